import type { Address, EIP1193Provider } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { baseUnits, epochMillis, MINUTE_MS, type EpochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ClaimRefusal } from '#shared/settle/sift-claims.ts'
import { MAX_CHAIN_AMOUNT } from '#shared/settle/constants.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { parseNetworkFile } from '#shared/chain/network-file.ts'
import type { ActState } from '../../wallet/act.ts'
import type { ClaimEntry, EarnedLine } from '../../wallet/acts.ts'
import type { InjectedWallet } from '../../wallet/injected-wallets.ts'
import type { Fate } from '../../wallet/look-up.ts'
import { TabKeys, type SealedKey, type Unlock } from '../../wallet/tab-keys.ts'
import type { EscrowOnChain, Snapshot } from '../../wallet/read-snapshot.ts'
import type { Signer } from '../../wallet/signer.ts'
import type { TransactionRecord } from '../../wallet/transaction-record.ts'
import type { MoneyEntry } from '../money/money-entries.ts'
import type { ActRunOptions, MoneyServices } from '../money/money-services.ts'

export const INF = 10n ** 18n
const at = (digit: string): Address => `0x${digit.repeat(40)}`

/** A chain whose every word a test decides. */
export interface MoneyScene {
  /** Changes the next snapshots. */
  change: (snapshot: Snapshot) => Snapshot
  readFails: InfernetError | undefined
  confirms: boolean | undefined
  injected: readonly InjectedWallet[]
  /** What an act does; by default it is asked, sent and mined. */
  perform: (options: ActRunOptions) => Promise<void>
  /** What the faucet does. */
  faucet: (address: Address) => Promise<void>
  /** What the chain has counted of every line. */
  claimed: bigint
  /** What a claim of a voucher would pay now. */
  payable: (entry: ClaimEntry) => bigint
  /** Why the chain would refuse a claim of these at once. */
  refusal: (entries: readonly ClaimEntry[]) => ClaimRefusal | undefined
  /** What every payer has, and what every provider may still claim today. */
  balance: bigint
  dailyLeft: bigint
  /** When every payer may take its deposit, and when every session ends. */
  withdrawAt: EpochMillis | undefined
  sessionExpiry: EpochMillis
  gasPrice: bigint
  /** What became of a hash. */
  outcome: Awaited<ReturnType<MoneyServices['outcome']>>
  /** What the chain says of a transaction. */
  fate: Fate
  /** What a press of Try again does while an act is in doubt. */
  again: () => Promise<void>
  connect: (wallet: InjectedWallet, mayAsk: boolean) => Promise<Signer | undefined>
  /** What the person does when a locked wallet is to sign. */
  unlock: Unlock
}

export function memoryMoney(clock: Clock, change: Partial<MoneyScene> & { isTest?: boolean } = {}) {
  const network = parseNetworkFile({
    ...{ version: 1, name: 'Infernet Local', chainId: 31337, rpcUrls: [], isTest: change.isTest ?? true },
    ...{ nativeSymbol: 'ETH', blockSeconds: 2, deployBlock: 0 },
    contracts: { timelock: at('1'), token: at('2'), models: at('3'), stake: at('4'), treasury: at('1') },
    escrows: [{ asset: at('2'), escrow: at('5'), symbol: 'INF', decimals: 18, usdHint: 0.01 }],
  })
  const keys = new Map<string, SealedKey>()
  const kept: MoneyEntry[] = []
  const injectedListeners = new Set<() => void>()
  let block = 100n
  const scene: MoneyScene = {
    change: (snapshot) => snapshot,
    readFails: undefined,
    confirms: true,
    injected: [],
    perform: async ({ onState, onRecord }) => {
      onState({ stage: 'asking', approval: 1, of: 1, what: 'deposit' })
      await onRecord(sampleRecord(), false)
      onState({ stage: 'sent', hash: '0xaa', canSpeedUp: true })
      await onRecord(sampleRecord({ state: 'mined', block: Number(block) + 1 }), false)
      onState({ stage: 'mined', hash: '0xaa', fee: 7n, block: block + 1n } satisfies ActState)
    },
    faucet: async () => undefined,
    claimed: 0n,
    payable: ({ voucher }) => voucher.cumulative,
    refusal: () => undefined,
    balance: MAX_CHAIN_AMOUNT,
    dailyLeft: MAX_CHAIN_AMOUNT,
    withdrawAt: undefined,
    sessionExpiry: epochMillis(clock.now() + 24 * 60 * MINUTE_MS),
    gasPrice: 10n ** 9n,
    outcome: undefined,
    fate: { kind: 'silent' },
    again: async () => undefined,
    connect: async () => undefined,
    unlock: () => Promise.reject(new InfernetError('wallet.locked')),
    ...change,
  }
  const vault = new TabKeys(
    {
      list: async () => [...keys.values()],
      get: async (name) => keys.get(name),
      put: async (key) => void (keys.has(key.name) || keys.set(key.name, key)),
      putFirst: async (key, prefix) => {
        const found = [...keys.values()].find(({ name }) => name.startsWith(prefix))
        if (!found) keys.set(key.name, key)
        return found ?? key
      },
      replace: async (key) => void keys.set(key.name, key),
      remove: async (name) => void keys.delete(name),
    },
    () => clock.now(),
    { unlock: { ask: (question) => scene.unlock(question), clock } },
  )
  const services = {
    network,
    vault,
    injected: {
      get list() {
        return scene.injected
      },
      onChange: (callback: () => void) => {
        injectedListeners.add(callback)
        return () => injectedListeners.delete(callback)
      },
      stop: () => undefined,
    },
    faucet: async (address: Address) => {
      await scene.faucet(address)
      return undefined
    },
    entries: {
      list: async () => [...kept],
      put: async (entry: MoneyEntry) => {
        const known = kept.findIndex(({ id }) => id === entry.id)
        kept.splice(known < 0 ? 0 : known, known < 0 ? 0 : 1, entry)
      },
      remove: async (id: string) => {
        const known = kept.findIndex((entry) => entry.id === id)
        if (known >= 0) kept.splice(known, 1)
      },
    },
    ledger: new MemoryLedgerStore(),
    peerKey: () => `0x${'07'.repeat(32)}` as const,
    bind: async () => ({
      ...({ peerKey: `0x${'07'.repeat(32)}`, r: `0x${'08'.repeat(32)}`, s: `0x${'09'.repeat(32)}` } as const),
    }),
    tabSigner: async (address: Address) => ({
      ...memorySigner(address, 'tab'),
      asks: await vault.isLocked(address),
    }),
    connect: (wallet: InjectedWallet, { mayAsk }: { mayAsk: boolean }) => scene.connect(wallet, mayAsk),
    read: async ({ address }: { address: Address }) => {
      if (scene.readFails) throw scene.readFails
      return scene.change(emptySnapshot(address, ++block, Math.floor(clock.now() / 1000)))
    },
    confirm: async () => scene.confirms,
    readClaimable: async (_escrow: Address, entries: readonly ClaimEntry[]) =>
      entries.map((entry) => ({ entry, payable: scene.payable(entry) })),
    dailyLeft: async () => scene.dailyLeft,
    payerDailyLeft: async () => MAX_CHAIN_AMOUNT,
    tryClaim: async (_escrow: Address, { entries }: { entries: readonly ClaimEntry[] }) =>
      scene.refusal(entries),
    readPots: async (_escrow: EscrowOnChain, lines: readonly EarnedLine[]) =>
      lines.map((line) => ({ ...line, provided: 0n, royaltyBps: 0 })),
    claimed: async () => scene.claimed,
    chain: {
      account: async () => {
        const none = baseUnits(0n)
        const balance = baseUnits(scene.balance)
        return { balance, bond: none, epoch: 0, withdrawAt: scene.withdrawAt }
      },
      session: async () => {
        const none = baseUnits(0n)
        return { cap: baseUnits(MAX_CHAIN_AMOUNT), spent: none, expiry: scene.sessionExpiry }
      },
    },
    gasPrice: async () => scene.gasPrice,
    outcome: async () => scene.outcome,
    lookUp: async () => scene.fate,
    act: (_signer: Signer, options: ActRunOptions) => ({
      run: () => scene.perform(options),
      resume: () => scene.perform(options),
      again: () => scene.again(),
      speedUp: async () => undefined,
    }),
    depositWay: async () => 'permit' as const,
  } satisfies Partial<MoneyServices>
  return {
    // A test that pays brings the purse along.
    money: services as unknown as MoneyServices,
    scene,
    kept,
    announce: (wallets: readonly InjectedWallet[]) => {
      scene.injected = wallets
      injectedListeners.forEach((listener) => listener())
    },
  }
}

export function memorySigner(
  address: Address,
  kind: Signer['kind'],
  chainId = 31337,
): Signer & { set(chainId: number): void } {
  const listeners = new Set<() => void>()
  const signer = {
    kind,
    name: kind === 'tab' ? 'Wallet in this tab' : 'Mock',
    icon: undefined,
    address,
    chainId,
    send: async () => ({ record: sampleRecord(), doubt: undefined }),
    signTypedData: async () => '0x' as const,
    batching: async () => undefined,
    switchChain: async () => signer.set(31337),
    onChange: (callback: () => void) => {
      listeners.add(callback)
      return () => listeners.delete(callback)
    },
    set(id: number) {
      signer.chainId = id
      listeners.forEach((listener) => listener())
    },
  }
  return signer
}

/** A transaction that a node has taken. */
export function sampleRecord(change: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    ...{ chainId: 31337, account: at('9'), calls: [{ to: at('5'), data: '0x' }], mined: 0, pending: 0 },
    ...{ fromBlock: 100n, nonce: 0, hashes: ['0xaa'], raws: ['0x02'], batch: undefined, state: 'sent' },
    block: undefined,
    ...change,
  }
}

/** For who provides or asks in a test that is not about claims. */
export const noClaims = { open: () => undefined, soon: () => undefined, close: async () => undefined }

export const injectedWallet = (rdns: string): InjectedWallet => ({
  rdns,
  name: 'Mock',
  icon: undefined,
  provider: { request: async () => null } as unknown as EIP1193Provider,
})

function emptySnapshot(address: Address, number: bigint, timestamp: number): Snapshot {
  return {
    address,
    block: { number, hash: '0x00', timestamp },
    native: INF,
    escrows: [
      {
        ...{ asset: at('2'), escrow: at('5'), symbol: 'INF', decimals: 18, usdHint: 0.01 },
        ...{ balance: 0n, allowance: 0n, deposit: 0n, bond: 0n, epoch: 0, withdrawAt: 0, withdrawableAt: 0 },
        defaultClosesAt: 0,
        ...{ credit: 0n, isPaused: false, bondBps: 500, graceSeconds: 259_200, unstakedDailyCap: 50n * INF },
        shares: { relayBps: 500, burnBps: 200, treasuryBps: 300 },
        session: undefined,
      },
    ],
    stake: {
      ...{
        state: 'none',
        stake: 0n,
        unbonding: 0n,
        unbondAt: 0,
        unbondSeconds: 604_800,
        withdrawSeconds: 259_200,
        minimum: 100n * INF,
      },
      peerKey: `0x${'00'.repeat(32)}`,
    },
  }
}
