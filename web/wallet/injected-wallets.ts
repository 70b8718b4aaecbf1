import { createStore, type EIP6963ProviderDetail, type EIP1193Provider } from 'mipd'
import { MAX_ICON_CHARACTERS, MAX_INJECTED, MAX_WALLET_NAME } from './constants.ts'

/** A wallet that a browser extension announced (EIP-6963). Its name and icon are its own word, bounded. */
export interface InjectedWallet {
  /** Reverse domain name: the same over reloads. */
  readonly rdns: string
  readonly name: string
  /** Only a `data:` URL: an address would tell a stranger who opens this page. */
  readonly icon: string | undefined
  readonly provider: EIP1193Provider
}

export interface InjectedWallets {
  readonly list: readonly InjectedWallet[]
  onChange(callback: () => void): () => void
  stop(): void
}

/** Listens for wallets from now on; they may come late. */
export function findInjectedWallets(): InjectedWallets {
  const store = createStore()
  return {
    get list() {
      const announced = store.getProviders()
      return injectedFrom(announced.length > 0 ? announced : loneWallet())
    },
    onChange: (callback) => {
      const stopStore = store.subscribe(callback)
      addEventListener(LONE_WALLET_EVENT, callback)
      return () => {
        stopStore()
        removeEventListener(LONE_WALLET_EVENT, callback)
      }
    },
    stop: () => store.destroy(),
  }
}

/** Told by a wallet that comes late and announces nothing. */
const LONE_WALLET_EVENT = 'ethereum#initialized'

/** A wallet that only puts itself at `window.ethereum`, as some apps on phones do, and does not say its name. */
function loneWallet(): readonly EIP6963ProviderDetail[] {
  const { ethereum: provider } = globalThis as { readonly ethereum?: EIP1193Provider }
  if (!provider) return []
  const info = { uuid: '', rdns: 'window.ethereum', name: 'Wallet of this browser', icon: 'data:,' } as never
  return [{ info, provider }]
}

/** What was announced, each once, bounded and made plain; two may go by one name. @internal */
export function injectedFrom(announced: readonly EIP6963ProviderDetail[]): InjectedWallet[] {
  const wallets = new Map<string, InjectedWallet>()
  for (const { info, provider } of announced) {
    const rdns = plain(info?.rdns, 100)
    const id = `${rdns} ${plain(info?.uuid, 100)}`
    if (rdns === '' || typeof provider?.request !== 'function' || wallets.has(id)) continue
    // One that announces itself at every request may make a new id each time.
    if ([...wallets.values()].some((each) => each.rdns === rdns && each.provider === provider)) continue
    if (wallets.size >= MAX_INJECTED) break
    wallets.set(id, {
      rdns,
      name: plain(info.name, MAX_WALLET_NAME) || rdns,
      icon: iconOf(info.icon),
      provider,
    })
  }
  return [...wallets.values()]
}

/** One line without control and direction characters, so that a name cannot dress up as another text. */
function plain(text: unknown, limit: number): string {
  if (typeof text !== 'string') return ''
  return text
    .slice(0, 4 * limit)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, limit)
}

function iconOf(icon: unknown): string | undefined {
  if (typeof icon !== 'string' || icon.length > MAX_ICON_CHARACTERS) return undefined
  return /^data:image\/(?:svg\+xml|png|webp|jpeg|gif)[;,]/.test(icon) ? icon : undefined
}
