/** What a network is deployed with. Each value has a bound in the contracts, and its reason here. */
import { parseUnits, type Address } from 'viem'

const inf = (amount: string): bigint => parseUnits(amount, 18)
const DAY_SECONDS = 86_400

/** 10^9 INF at most at once; a tenth to the deployer, for a faucet and the first stakes. */
export const TOKEN = { cap: inf('1000000000'), supply: inf('100000000') } as const

export const STAKE = {
  /** Enough that thousands of false identities cost something, little enough for a single machine. */
  minimum: inf('100'),
  floor: inf('10'),
  ceiling: inf('10000'),
  /** Longer than a dispute takes, and than the escrow's grace. */
  unbondSeconds: 7 * DAY_SECONDS,
  /** Enough for who looks once in a weekend. Whoever waits here for a slash to come can wait no longer. */
  withdrawSeconds: 3 * DAY_SECONDS,
  challengerBps: 2_500,
} as const

/** One tenth leaves the provider before the model's royalty: for who introduced it, for all holders, for upkeep. */
const SHARES = {
  relayBps: 500,
  burnBps: 200,
  treasuryBps: 300,
  bondBps: 500,
  tipBps: 100,
  graceSeconds: 3 * DAY_SECONDS,
  defaultWindowSeconds: 3 * DAY_SECONDS,
} as const

/**
 * A tip pays the gas of a claim on a cheap chain; the daily cap lets a visitor earn a cup of coffee. A payer's cap is four
 * of those: at the price of the small models, 0.2 INF for a million tokens, it pays a billion tokens a day, which is
 * more than a hundred tabs without stake write at a hundred tokens a second.
 */
export const ESCROW = {
  ...SHARES,
  tipCap: inf('1'),
  unstakedDailyCap: inf('50'),
  payerDailyCap: inf('200'),
} as const

/** The same in dollars, in the units of the coin: a stablecoin has 6 decimals or 18. */
export function coinEscrow(decimals: number) {
  const usd = (amount: string): bigint => parseUnits(amount, decimals)
  return { ...SHARES, tipCap: usd('0.05'), unstakedDailyCap: usd('5'), payerDailyCap: usd('20') }
}

/** A royalty begins this long after the publication. Vouchers are claimed long before, a tab that slept for days included. */
export const NOTICE_SECONDS = 7 * DAY_SECONDS

/** A model that is published with the contracts for no royalty, so that nobody can ask one for it. */
export interface FoundingModel {
  /** The hash of its manifest, 64 lower-case hex digits. */
  readonly manifest: string
  readonly name: string
}

/** The models that come with this software. `e2e/chain/founding.test.ts` compares them with the manifests. */
export const FOUNDING: readonly FoundingModel[] = [
  { manifest: '31f450f96a9a9f246f4f59d934e63a40a71b074b6665a37f11a4971acc6e3f61', name: 'infernet/tiny' },
  { manifest: '2b3d8fb0856bca7c5ffe9a34f6263ce21b5a3c1afe33e74ce0322523df0962e1', name: 'infernet/tiny' },
]

/** Longer than stake takes to unbond, by a day to see what was voted: so everybody can leave before a court is named. */
export const REAL_DELAY_SECONDS = STAKE.unbondSeconds + DAY_SECONDS

export interface DeployOptions {
  /** How the page calls the chain. @default 'Infernet Local' */
  readonly name?: string
  /**
   * Between a vote and its effect, in seconds. With real money more than `STAKE.unbondSeconds`.
   *
   * @default 0 for networks without money, else `REAL_DELAY_SECONDS`
   */
  readonly timelockDelaySeconds?: number
  /** Who proposes to the timelock and executes. @default the deployer */
  readonly governor?: Address
  /** @default the timelock */
  readonly treasury?: Address
  /** Who may pause deposits. @default the deployer */
  readonly guardian?: Address
  /** Published with the contracts. @default FOUNDING */
  readonly founding?: readonly FoundingModel[]
  /** How long after its publication a royalty begins. @default 0 for networks without money, else `NOTICE_SECONDS` */
  readonly noticeSeconds?: number
  /** A stablecoin that is there already. With real money there must be one. @default a test coin, free for all */
  readonly coin?: Address
  /** What the network file names in place of the address deployed through. */
  readonly publicRpcUrl?: string
  readonly explorer?: string
  /** Whether its money is worth nothing. @default whether anybody may mint the stablecoin */
  readonly isTest?: boolean
  /** @default 'ETH' */
  readonly nativeSymbol?: string
  /** Expected between blocks. @default measured over the last hundred blocks, else 1 */
  readonly blockSeconds?: number
}
