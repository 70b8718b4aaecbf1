/** What a test orders of the mock wallet while it runs. */
export interface MockWallet {
  /** What it does with the next question that a person would be asked. */
  answer: 'approve' | 'reject' | 'silent'
  /** How many questions a person was asked, by method. */
  readonly asked: string[]
  /** The chain it is on. */
  chainId: number
  setChain(chainId: number): void
  setAccount(address: string | undefined): void
}

export interface MockWalletInit {
  readonly rpcUrl: string
  /** One of the chain's unlocked accounts, or one that it impersonates: the node signs. */
  readonly address: string
  /** The chain that it stands on at first. */
  readonly chainId: number
  /** The chain that the node is. */
  readonly nodeChainId: number
  readonly name: string
  readonly canBatch: boolean
  /** Chains that it knows; another one must be added first. */
  readonly knows: readonly number[]
}

/**
 * Installs a wallet as an extension would: EIP-1193 and EIP-6963, and EIP-5792 where it can batch. It holds no key: an
 * anvil with unlocked accounts signs.
 *
 * Stands by itself, so that a browser can be given it as text; there it is at `window.mockWallet`.
 */
export function installMockWallet(init: MockWalletInit, target: EventTarget = window): MockWallet {
  type Request = { method: string; params?: readonly unknown[] }
  const listeners = new Map<string, Set<(value: unknown) => void>>()
  const known = new Set(init.knows)
  const batches = new Map<string, string>()
  const hex = (value: number): string => `0x${value.toString(16)}`
  const tell = (event: string, value: unknown): void => listeners.get(event)?.forEach((call) => call(value))
  const failure = (code: number, message: string): Error => Object.assign(new Error(message), { code })
  let accounts: string[] = [init.address]

  const wallet: MockWallet = {
    answer: 'approve',
    asked: [],
    chainId: init.chainId,
    setChain(chainId) {
      wallet.chainId = chainId
      tell('chainChanged', hex(chainId))
    },
    setAccount(address) {
      accounts = address === undefined ? [] : [address]
      tell('accountsChanged', accounts)
    },
  }

  async function node(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const response = await fetch(init.rpcUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    const { result, error } = (await response.json()) as {
      result?: unknown
      error?: { code: number; message: string; data?: unknown }
    }
    if (error) throw Object.assign(failure(error.code, error.message), { data: error.data })
    return result
  }

  async function person(method: string): Promise<void> {
    wallet.asked.push(method)
    if (wallet.answer === 'silent') await new Promise(() => undefined)
    if (wallet.answer === 'reject') throw failure(4001, 'User rejected the request.')
  }

  async function sendBatch(bundle: { calls: readonly { to: string; data?: string; value?: string }[] }) {
    // A real one makes a single transaction of it; here each is its own, all of them or none.
    const before = await node('evm_snapshot')
    let hash = ''
    for (const { to, data, value } of bundle.calls) {
      const request = { from: accounts[0], to, data, value: value ?? '0x0', gas: hex(3_000_000) }
      hash = String(await node('eth_sendTransaction', [request]))
      let receipt: { status: string } | null = null
      for (let i = 0; !receipt && i < 50; i++) {
        receipt = (await node('eth_getTransactionReceipt', [hash])) as { status: string } | null
        if (!receipt) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      if (receipt?.status === '0x1') continue
      await node('evm_revert', [before])
      throw failure(-32603, 'the batch was reverted')
    }
    const id = `0x${(batches.size + 1).toString(16).padStart(64, '0')}`
    batches.set(id, hash)
    return { id }
  }

  const provider = {
    on(event: string, call: (value: unknown) => void) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(call))
      return provider
    },
    removeListener(event: string, call: (value: unknown) => void) {
      listeners.get(event)?.delete(call)
      return provider
    },
    async request({ method, params = [] }: Request): Promise<unknown> {
      const [first] = params as [Record<string, unknown> & string]
      switch (method) {
        case 'eth_requestAccounts':
          await person(method)
          return accounts
        case 'eth_accounts':
          return accounts
        case 'eth_chainId':
          return hex(wallet.chainId)
        case 'wallet_switchEthereumChain': {
          const wanted = Number((first as unknown as { chainId: string }).chainId)
          if (!known.has(wanted)) throw failure(4902, 'Unrecognized chain ID.')
          await person(method)
          wallet.setChain(wanted)
          return null
        }
        case 'wallet_addEthereumChain':
          await person(method)
          known.add(Number((first as unknown as { chainId: string }).chainId))
          return null
        case 'wallet_getCapabilities':
          if (!init.canBatch) throw failure(4200, 'Unsupported method.')
          return { [hex(init.nodeChainId)]: { atomic: { status: 'supported' } } }
        case 'wallet_sendCalls':
          if (!init.canBatch) throw failure(4200, 'Unsupported method.')
          await person(method)
          return sendBatch(first as unknown as Parameters<typeof sendBatch>[0])
        case 'wallet_getCallsStatus': {
          const hash = batches.get(String(first))
          const receipt = await node('eth_getTransactionReceipt', [hash])
          const head = { version: '2.0.0', id: first, chainId: hex(init.nodeChainId), atomic: true }
          return { ...head, status: receipt ? 200 : 100, receipts: receipt ? [receipt] : [] }
        }
        case 'eth_sendTransaction':
        case 'eth_signTypedData_v4':
          await person(method)
          if (wallet.chainId !== init.nodeChainId) throw failure(4901, 'Chain disconnected.')
          return node(method, params)
        default:
          return node(method, params)
      }
    },
  }

  const icon =
    'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="teal"/></svg>'
  const info = { uuid: '00000000-0000-4000-8000-000000000001', name: init.name, icon, rdns: 'test.mock' }
  const detail = Object.freeze({ info: Object.freeze(info), provider })
  const announce = (): void => {
    target.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  }
  target.addEventListener('eip6963:requestProvider', announce)
  announce()
  Object.assign(target, { mockWallet: wallet, mockProvider: provider })
  return wallet
}
