/**
 * What an odd wallet does. The first line is of connecting, the second of changing the chain, the third and fourth of
 * sending: whether it is sent, and what is answered, are two things.
 */
export type OddMode =
  | ''
  | 'disconnected'
  | 'connect-hang'
  | 'reject'
  | 'reject-wrapped'
  | 'reject-string'
  | 'reject-undefined'
  | 'empty'
  | 'locked'
  | 'chain-number'
  | 'chain-decimal'
  | 'chain-hang'
  | 'switch-lies'
  | 'switch-wrapped'
  | 'switch-unsupported'
  | 'switch-late'
  | 'rate'
  | 'hang'
  | 'sent-hang'
  | 'slow'
  | 'lost'
  | 'lost-params'
  | 'never'
  | 'gap'
  | 'switch-account'
  | 'pays-from-other'
  | 'switch-chain'
  | 'disconnect'

/** What a test orders of it, and sees of it, while it runs. */
export interface OddWallet {
  mode: OddMode
  accounts: readonly string[]
  chain: number
  /** Every question, in order. */
  readonly asked: string[]
}

export interface OddWalletInit {
  readonly rpcUrl: string
  readonly chainId: number
  /** Accounts that the node plays: it signs. */
  readonly accounts: readonly string[]
  readonly name: string
  readonly rdns: string
  /** `plain-errors` throws objects that are no errors; `no-on` tells of no changes. */
  readonly style: 'usual' | 'plain-errors' | 'no-on'
  /** Whether it sends several calls as one (EIP-5792). */
  readonly canBatch: boolean
}

/**
 * Installs a wallet as bad as those in the field: it loses answers, answers late or wrongly, names a hash that nobody
 * knows, leaves gaps between its numbers, or changes account and chain while it is asked.
 *
 * Stands by itself, so that a browser can be given it as text; there it is at `window.oddWallets`, by its name.
 */
export function installOddWallet(init: OddWalletInit, target: EventTarget = window): OddWallet {
  type Request = { readonly method: string; readonly params?: readonly unknown[] }
  type Sending = {
    readonly from?: string
    readonly to: string
    readonly data?: string
    readonly value?: string
  }
  type Failure = { readonly code: number; readonly message: string; readonly data?: unknown }
  const listeners = new Map<string, Set<(value: unknown) => void>>()
  const tell = (event: string, value: unknown): void => listeners.get(event)?.forEach((call) => call(value))
  const hex = (value: number): string => `0x${value.toString(16)}`
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  const forEver = (): Promise<never> => new Promise(() => undefined)
  let isAsking = false

  const wallet: OddWallet = { mode: '', accounts: [...init.accounts], chain: init.chainId, asked: [] }

  function fail(failure: Failure): never {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- that is what such wallets do
    if (init.style === 'plain-errors') throw failure
    throw Object.assign(new Error(failure.message), failure)
  }

  function throwAnything(thing: unknown): never {
    throw thing
  }

  async function node(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const response = await fetch(init.rpcUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    const { result, error } = (await response.json()) as { result?: unknown; error?: Failure }
    return error ? fail(error) : result
  }

  function connect(): unknown {
    if (isAsking) fail({ code: -32002, message: 'Already processing eth_requestAccounts. Please wait.' })
    if (wallet.mode === 'empty') return []
    if (wallet.mode !== 'connect-hang') return wallet.accounts
    isAsking = true
    return forEver()
  }

  function chainId(): unknown {
    if (wallet.mode === 'chain-number') return wallet.chain
    if (wallet.mode === 'chain-decimal') return String(wallet.chain)
    return wallet.mode === 'chain-hang' ? forEver() : hex(wallet.chain)
  }

  function moveTo(chain: string): null {
    wallet.chain = Number(chain)
    tell('chainChanged', chain)
    return null
  }

  function switchChain(chain: string): null {
    switch (wallet.mode) {
      case 'switch-lies':
        return null // it says yes and stays where it is
      case 'switch-wrapped':
        return fail({
          code: -32603,
          message: 'Unrecognized chain ID.',
          data: { originalError: { code: 4902 } },
        })
      case 'switch-unsupported':
        return fail({ code: -32601, message: 'The method does not exist' })
      case 'switch-late':
        setTimeout(() => moveTo(chain), 1500)
        return null
      default:
        return moveTo(chain)
    }
  }

  /** Its owner's no, in all the forms in which pages get to hear it. */
  function refuseFor(mode: OddMode): void {
    if (mode === 'reject') fail({ code: 4001, message: 'User rejected the request.' })
    if (mode === 'reject-wrapped') {
      const data = { originalError: { code: 4001, message: 'User rejected' } }
      fail({ code: -32603, message: 'Internal JSON-RPC error.', data })
    }
    if (mode === 'reject-string') throwAnything('User rejected methods.')
    if (mode === 'reject-undefined') throwAnything(undefined)
  }

  /** Sends by way of `put`, and answers as its mode has it. */
  async function answer(put: () => Promise<unknown>): Promise<unknown> {
    const { mode } = wallet
    refuseFor(mode)
    if (mode === 'rate') fail({ code: -32005, message: 'Request is being rate limited.' })
    if (mode === 'hang') return forEver()
    if (mode === 'never') return `0x${'ab'.repeat(32)}`
    if (mode === 'slow') await pause(4000)
    // Its owner changes the account in its window, and it takes that one, whichever it was asked for.
    if (mode === 'pays-from-other') {
      wallet.accounts = [...wallet.accounts].reverse()
      tell('accountsChanged', wallet.accounts)
    }
    const answered = await put()
    switch (mode) {
      case 'lost':
        return fail({ code: -32603, message: 'Internal JSON-RPC error.' })
      case 'lost-params': // upon which some libraries ask once more by another name
        return fail({ code: -32602, message: 'Invalid params' })
      case 'sent-hang':
        return forEver()
      case 'switch-account':
        wallet.accounts = [...wallet.accounts].reverse()
        tell('accountsChanged', wallet.accounts)
        await pause(300)
        return answered
      case 'switch-chain':
        moveTo('0x1')
        return answered
      case 'disconnect':
        tell('disconnect', { code: 1013, message: 'Disconnected' })
        wallet.mode = 'disconnected'
        return answered
      default:
        return answered
    }
  }

  async function put(request: Sending): Promise<unknown> {
    if (wallet.mode === 'pays-from-other')
      return node('eth_sendTransaction', [{ ...request, from: wallet.accounts[0] }])
    if (wallet.mode !== 'gap') return node('eth_sendTransaction', [request])
    const count = Number(await node('eth_getTransactionCount', [request.from, 'latest']))
    return node('eth_sendTransaction', [{ ...request, nonce: hex(count + 3) }])
  }

  /** A real one makes a single transaction of it; here each is its own. */
  async function putAll({ id, calls }: { id?: string; calls: readonly Sending[] }): Promise<unknown> {
    for (const { to, data, value } of calls) {
      const request = { from: wallet.accounts[0], to, data, value: value ?? '0x0', gas: hex(3_000_000) }
      await node('eth_sendTransaction', [request])
    }
    return { id: id ?? '0x01' }
  }

  const unsupported = (): never => fail({ code: -32601, message: 'The method does not exist' })

  function request({ method, params = [] }: Request): unknown {
    const [first] = params
    wallet.asked.push(method)
    if (wallet.mode === 'disconnected')
      fail({ code: 4900, message: 'The provider is disconnected from all chains.' })
    switch (method) {
      case 'eth_requestAccounts':
        refuseFor(wallet.mode)
        return connect()
      case 'eth_accounts':
        return wallet.mode === 'locked' ? [] : wallet.accounts
      case 'eth_chainId':
        return chainId()
      case 'wallet_switchEthereumChain':
        return switchChain((first as { chainId: string }).chainId)
      case 'wallet_addEthereumChain':
        return null
      case 'wallet_getCapabilities':
        return init.canBatch ? { [hex(init.chainId)]: { atomic: { status: 'supported' } } } : unsupported()
      case 'wallet_sendCalls':
        if (!init.canBatch) return unsupported()
        return answer(() => putAll(first as Parameters<typeof putAll>[0]))
      case 'wallet_getCallsStatus': // it has forgotten them
        return unsupported()
      case 'wallet_sendTransaction':
      case 'eth_sendTransaction':
        return answer(() => put(first as Sending))
      default:
        return node(method, params)
    }
  }

  const provider = {
    request: async (asked: Request): Promise<unknown> => request(asked),
    ...(init.style === 'no-on'
      ? {}
      : {
          on: (event: string, call: (value: unknown) => void) =>
            void listeners.set(event, (listeners.get(event) ?? new Set()).add(call)),
          removeListener: (event: string, call: (value: unknown) => void) =>
            void listeners.get(event)?.delete(call),
        }),
  }
  const icon = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>'
  const info = { uuid: crypto.randomUUID(), name: init.name, icon, rdns: init.rdns }
  const detail = Object.freeze({ info: Object.freeze(info), provider })
  const announce = (): void => {
    target.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  }
  target.addEventListener('eip6963:requestProvider', announce)
  announce()
  const all = target as { oddWallets?: Record<string, OddWallet> }
  all.oddWallets = { ...all.oddWallets, [init.name]: wallet }
  return wallet
}
