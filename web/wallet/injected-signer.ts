import {
  bytesToHex,
  createWalletClient,
  custom,
  getAddress,
  hexToNumber,
  isAddress,
  numberToHex,
  type Address,
  type EIP1193Provider,
  type TypedDataDefinition,
} from 'viem'
import { getCallsStatus, getCapabilities, sendCalls, signTypedData } from 'viem/actions'
import type { Clock } from '#shared/base/clock.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { chainOf } from './chain-client.ts'
import { numbersOf } from './explain-failure.ts'
import type { InjectedWallet } from './injected-wallets.ts'
import type { Call } from '#shared/chain/calls.ts'
import type { BatchSender, SendOptions, Signer, SignOptions } from './signer.ts'
import { recordOf } from './transaction-record.ts'
import { answerOf, asked, isHash } from './wallet-answer.ts'

/** Numbers of EIP-3085 and EIP-5792. */
const UNKNOWN_CHAIN = 4902
const UNKNOWN_BATCH = 5730

export interface ConnectOptions {
  readonly signal: AbortSignal
  /** Asks the visitor; without it only a wallet that already shows this page an account is taken. */
  readonly mayAsk: boolean
}

/**
 * Connects a wallet that an extension brought.
 *
 * Resolves with `undefined` when it may not ask and the wallet shows no account.
 *
 * @throws InfernetError `wallet.rejected`, `wallet.waiting`, `wallet.disconnected`, `wallet.silent`
 */
export async function connectInjected(
  clock: Clock,
  network: NetworkFile,
  wallet: InjectedWallet,
  { signal, mayAsk }: ConnectOptions,
): Promise<Signer | undefined> {
  const provider = wallet.provider
  const method = mayAsk ? 'eth_requestAccounts' : 'eth_accounts'
  const accounts = await asked(clock, mayAsk, () => provider.request({ method }), signal)
  const address = firstAddress(accounts)
  if (!address) {
    if (mayAsk) throw new InfernetError('wallet.disconnected')
    return undefined
  }
  const chainId = await asked(clock, false, () => provider.request({ method: 'eth_chainId' }), signal)
  return new InjectedSigner(clock, network, wallet, address, chainNumber(chainId))
}

class InjectedSigner implements Signer {
  readonly kind = 'injected'
  readonly name: string
  readonly icon: string | undefined
  readonly #clock: Clock
  readonly #provider: EIP1193Provider
  readonly #network: NetworkFile
  readonly #client
  readonly #listeners = new Set<() => void>()
  #address: Address
  #chainId: number | undefined

  constructor(
    clock: Clock,
    network: NetworkFile,
    wallet: InjectedWallet,
    address: Address,
    chainId: number | undefined,
  ) {
    this.#clock = clock
    this.#network = network
    this.name = wallet.name
    this.icon = wallet.icon
    this.#provider = wallet.provider
    this.#address = address
    this.#chainId = chainId
    this.#client = createWalletClient({
      chain: chainOf(network),
      // The wallet's own refusals are final; asking again would open its window again.
      transport: custom(this.#provider, { retryCount: 0 }),
    })
    // Some wallets tell nothing of what changes.
    const listen = this.#provider.on?.bind(this.#provider) as EIP1193Provider['on'] | undefined
    listen?.('accountsChanged', (accounts) => {
      // Without an account the last one is still shown: every act then says that the wallet is locked.
      this.#address = firstAddress(accounts) ?? this.#address
      this.#tell()
    })
    listen?.('chainChanged', (id) => {
      this.#chainId = chainNumber(id)
      this.#tell()
    })
  }

  get address(): Address {
    return this.#address
  }
  get chainId(): number | undefined {
    return this.#chainId
  }

  async send({ gas, to, data, value = 0n }: Call & { gas: bigint }, options: SendOptions) {
    const { base, nonce } = options
    await this.#assertReady(base.account, options)
    const request = {
      ...{ from: base.account, to, data, value: numberToHex(value), gas: numberToHex(gas) },
      // It may change the chain while its window is open: then it refuses, and does not send it elsewhere.
      chainId: numberToHex(base.chainId),
      ...(nonce === undefined ? {} : { nonce: numberToHex(nonce) }),
    }
    // Not by viem's own action: that one asks a second time, by another name, after some of a wallet's errors.
    return answerOf(this.#clock, recordOf(base, { state: 'asked' }), options, async (record) => {
      const hash: unknown = await this.#provider.request({ method: 'eth_sendTransaction', params: [request] })
      if (!isHash(hash)) throw new InfernetError('wallet.failed')
      return { ...record, hashes: [hash] }
    })
  }

  async signTypedData(data: TypedDataDefinition, { account, signal }: SignOptions) {
    await this.#assertReady(account, { signal })
    return asked(this.#clock, true, () => signTypedData(this.#client, { account, ...data }), signal)
  }

  async batching({ account, signal }: SignOptions): Promise<BatchSender | undefined> {
    const chainId = this.#network.chainId
    try {
      const able = await asked(
        this.#clock,
        false,
        () => getCapabilities(this.#client, { account, chainId }),
        signal,
      )
      // "ready" asks the visitor to upgrade the account first; that is one approval all the same.
      const status = (able as { atomic?: { status?: unknown } }).atomic?.status
      return status === 'supported' || status === 'ready' ? this.#batches() : undefined
    } catch {
      return undefined // a wallet that does not know the question cannot batch
    }
  }

  #batches(): BatchSender {
    return {
      send: async (options) => {
        const { base } = options
        await this.#assertReady(base.account, options)
        // Named by us, so that it can be asked for even when the answer is lost, and is never taken twice.
        const id = bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
        const request = {
          ...{ account: base.account, chain: this.#client.chain, id, forceAtomic: true },
          calls: base.calls.map(({ to, data, value }) => ({ to, data, value: value ?? 0n })),
        }
        return answerOf(
          this.#clock,
          recordOf(base, { state: 'asked', batch: id }),
          options,
          async (record) => {
            const taken = await sendCalls(this.#client, request)
            return { ...record, batch: taken.id }
          },
        )
      },
      status: async (id, { signal }) => {
        try {
          const found = await asked(this.#clock, false, () => getCallsStatus(this.#client, { id }), signal)
          const hash = found.receipts?.at(-1)?.transactionHash
          if (found.status === 'success') return { state: 'confirmed', hash }
          return { state: found.status === 'failure' ? 'failed' : 'pending', hash }
        } catch (thrown) {
          if (numbersOf(thrown).includes(UNKNOWN_BATCH)) return { state: 'unknown', hash: undefined }
          throw thrown
        }
      },
    }
  }

  async switchChain(network: NetworkFile, { signal }: { signal: AbortSignal }): Promise<void> {
    const chainId = `0x${network.chainId.toString(16)}` as const
    const move = () => this.#provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId }] })
    try {
      await asked(this.#clock, true, move, signal)
    } catch (thrown) {
      if (!isUnknownChain(thrown)) throw thrown
      await this.#addChain(network, chainId, signal)
      await asked(this.#clock, true, move, signal)
    }
    const now = await asked(
      this.#clock,
      false,
      () => this.#provider.request({ method: 'eth_chainId' }),
      signal,
    )
    this.#chainId = chainNumber(now)
    this.#tell()
    if (this.#chainId !== network.chainId) throw new InfernetError('wallet.wrong-chain')
  }

  async #addChain(network: NetworkFile, chainId: `0x${string}`, signal: AbortSignal): Promise<void> {
    const { name, nativeSymbol, rpcUrls, explorerUrl } = network
    // A wallet needs a node of its own to talk to; without one in the network file it cannot be told of the chain.
    if (rpcUrls.length === 0) throw new InfernetError('wallet.wrong-chain')
    const params = {
      chainId,
      chainName: name,
      nativeCurrency: { name: nativeSymbol, symbol: nativeSymbol, decimals: 18 },
      rpcUrls,
      ...(explorerUrl === undefined ? {} : { blockExplorerUrls: [explorerUrl] }),
    }
    const add = () => this.#provider.request({ method: 'wallet_addEthereumChain', params: [params] })
    await asked(this.#clock, true, add, signal)
  }

  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  #assertChain(): void {
    if (this.#chainId !== this.#network.chainId) throw new InfernetError('wallet.wrong-chain')
  }

  async look({ signal }: { signal: AbortSignal }): Promise<void> {
    await this.#seen(signal)
  }

  /** What the wallet tells of itself may be old: it is asked. @throws InfernetError; nothing was sent or signed then */
  async #assertReady(account: Address, { signal }: { signal: AbortSignal }): Promise<void> {
    const shown = await this.#seen(signal)
    this.#assertChain()
    if (!shown) throw new InfernetError('wallet.disconnected')
    if (shown !== account) throw new InfernetError('wallet.other-account')
  }

  /** Asks for chain and account; the account is `undefined` where it is locked. */
  async #seen(signal: AbortSignal): Promise<Address | undefined> {
    const question = (method: 'eth_chainId' | 'eth_accounts'): Promise<unknown> =>
      asked(this.#clock, false, () => this.#provider.request({ method }), signal)
    const [id, accounts] = await Promise.all([question('eth_chainId'), question('eth_accounts')])
    const [chainId, shown] = [chainNumber(id), firstAddress(accounts)]
    const isAsBefore = chainId === this.#chainId && (shown ?? this.#address) === this.#address
    this.#chainId = chainId
    this.#address = shown ?? this.#address
    if (!isAsBefore) this.#tell()
    return shown
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

function firstAddress(accounts: unknown): Address | undefined {
  const first: unknown = Array.isArray(accounts) ? accounts[0] : undefined
  return typeof first === 'string' && isAddress(first, { strict: false }) ? getAddress(first) : undefined
}

function chainNumber(id: unknown): number | undefined {
  if (typeof id === 'number') return id
  if (typeof id === 'string' && /^[0-9]{1,15}$/.test(id)) return Number(id)
  return typeof id === 'string' && /^0x[0-9a-f]{1,13}$/i.test(id)
    ? hexToNumber(id as `0x${string}`)
    : undefined
}

/** 4902, which some wallets wrap in another error. */
function isUnknownChain(thrown: unknown): boolean {
  return numbersOf(thrown).includes(UNKNOWN_CHAIN)
}
