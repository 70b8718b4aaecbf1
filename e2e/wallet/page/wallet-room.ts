/** Many wallets in one tab, each with the page's own acts, journal and database: what a test presses and sees of them. */
import type { EIP1193Provider, Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import {
  isUndecided,
  mergeEntries,
  type MoneyEntry,
  type MovedEntry,
} from '../../../web/state/money/money-entries.ts'
import { MoneyJournal } from '../../../web/state/money/money-journal.svelte.ts'
import type { MoneyServices } from '../../../web/state/money/money-services.ts'
import { WalletAct } from '../../../web/state/money/wallet-act.svelte.ts'
import { openMoneyStore } from '../../../web/storage/money.ts'
import { RunningAct } from '../../../web/wallet/act.ts'
import { createChainClient } from '../../../web/wallet/chain-client.ts'
import { connectInjected } from '../../../web/wallet/injected-signer.ts'
import { lookUp } from '../../../web/wallet/look-up.ts'
import type { Signer } from '../../../web/wallet/signer.ts'
import { createTabSigner } from '../../../web/wallet/tab-signer.ts'
import { installOddWallet, type OddMode, type OddWallet } from '../odd-wallet.ts'
import { actOf, SOMEBODY, type ActOrder } from './act-orders.ts'

export interface DeskInit {
  readonly name: string
  readonly network: NetworkFile
  /** The key of a wallet in this tab; of an extension's, its account. */
  readonly key: Hex
  readonly kind: 'tab' | 'odd'
  readonly odd?: {
    readonly rpcUrl: string
    readonly canBatch: boolean
    readonly style: 'usual' | 'no-on' | 'plain-errors'
    /** How many times as fast its deadlines are over. @default 1 */
    readonly haste?: number
  }
}

/** What a visitor would see. */
export interface DeskView {
  readonly stage: string | undefined
  readonly error: string | undefined
  readonly canSendAgain: boolean
  readonly states: readonly string[]
  readonly hashes: readonly number[]
}

interface Desk {
  readonly act: WalletAct
  readonly journal: MoneyJournal
  readonly signer: Signer
  readonly wallet: OddWallet | undefined
}

const desks = new Map<string, Desk>()
const never = new AbortController().signal

export const walletRoom = {
  async open(inits: readonly DeskInit[]): Promise<void> {
    await Promise.all(inits.map(async (init) => void desks.set(init.name, await openDesk(init))))
  },
  begin(name: string, order: ActOrder): void {
    const { act, signer } = deskOf(name)
    void act.begin(signer, {
      ...{ what: order.entry, act: actOf(order), amount: 1n, symbol: 'INF', decimals: 18 },
    })
  },
  /** The button under the note, whatever it is called then. */
  press(name: string): void {
    void deskOf(name).act.again()
  },
  /** What the page does when it opens. */
  async takeUp(name: string): Promise<void> {
    const { act, journal, signer } = deskOf(name)
    await journal.recheck({ isHeld: (id) => id === act.entryId })
    void act.takeUp(signer, journal.undecided(signer.address))
  },
  setMode(name: string, mode: OddMode): void {
    const { wallet } = deskOf(name)
    if (wallet) wallet.mode = mode
  },
  view(name: string): DeskView {
    const { act, journal } = deskOf(name)
    const moved = journal.entries.filter((entry): entry is MovedEntry => entry.kind === 'moved')
    return {
      stage: act.error ? 'failed' : act.state?.stage,
      error: act.error?.code,
      canSendAgain: act.state?.stage === 'unknown' && act.state.canSendAgain,
      states: moved.map(({ state }) => state),
      hashes: moved.map(({ transaction }) => transaction?.hashes.length ?? 0),
    }
  },
}

async function openDesk({ name, network, key, kind, odd }: DeskInit): Promise<Desk> {
  const client = createChainClient(network, undefined)
  const store = openMoneyStore<MoneyEntry>(`desk-${name}`, {
    merge: mergeEntries,
    mayGo: (entry) => !isUndecided(entry),
  })
  const account = privateKeyToAccount(key)
  const services: Pick<MoneyServices, 'network' | 'entries' | 'outcome' | 'claimed' | 'lookUp' | 'act'> = {
    network,
    entries: store.movements,
    outcome: async () => undefined,
    claimed: async () => 0n,
    lookUp: (record, isForeign) => lookUp(client, record, isForeign),
    act: (signer, options) => new RunningAct({ signer, client, network, clock: realClock }, options),
  }
  const journal = new MoneyJournal()
  await journal.open(services)
  const act = new WalletAct({
    services: services as MoneyServices,
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    onMined: async () => undefined,
    keeper: journal,
  })
  if (kind === 'tab') {
    const exclusive = <T>(task: () => Promise<T>): Promise<T> => navigator.locks.request(name, task)
    return { act, journal, signer: createTabSigner({ account, client, exclusive }), wallet: undefined }
  }
  const target = new EventTarget()
  let provider: EIP1193Provider | undefined
  target.addEventListener('eip6963:announceProvider', (event) => {
    provider = (event as CustomEvent<{ provider: EIP1193Provider }>).detail.provider
  })
  const { chainId } = network
  const init = { ...{ rpcUrl: '', canBatch: false, style: 'usual' as const }, ...odd }
  const wallet = installOddWallet(
    { ...init, chainId, accounts: [account.address, SOMEBODY], name, rdns: name },
    target,
  )
  if (!provider) throw new InfernetError('wallet.disconnected')
  const found = { rdns: name, name, icon: undefined, provider }
  const clock = hasty(odd?.haste ?? 1)
  const signer = await connectInjected(clock, network, found, { signal: never, mayAsk: true })
  if (!signer) throw new InfernetError('wallet.disconnected')
  return { act, journal, signer, wallet }
}

function hasty(haste: number): Clock {
  return {
    now: () => realClock.now(),
    monotonic: () => realClock.monotonic(),
    schedule: (delay, callback) => realClock.schedule(millis(delay / haste), callback),
  }
}

function deskOf(name: string): Desk {
  const desk = desks.get(name)
  if (!desk) throw new Error(`no desk ${name}`)
  return desk
}
