import { chainAddress } from '../base/ids.ts'
import { MINUTE_MS, SECOND_MS } from '../base/units.ts'

/** EIP-712 domain of the escrow contract; chain id and address make it one deployment's own. */
export const ESCROW_DOMAIN = { name: 'Infernet Escrow', version: '1' } as const

/** Amounts on the chain are uint96: 79 billion INF. */
export const MAX_CHAIN_AMOUNT = 2n ** 96n - 1n

/** Epochs are uint32 on the chain. */
export const MAX_EPOCH = 2 ** 32 - 1

/** As the relay in a quote or a voucher: nobody is paid the relay's share. @internal */
export const NO_RELAY = chainAddress(`0x${'0'.repeat(40)}`)

/** One call to a node of the chain. A public one answers in 50 to 500 ms. */
export const CHAIN_CALL_DEADLINE_MS = 3 * SECOND_MS

/** How old an account may be when a job opens. A block takes 1 to 12 s, and withdrawals take days. */
export const ACCOUNT_MAX_AGE_MS = 30 * SECOND_MS

/**
 * How old it may be when the chain does not answer. A withdrawal takes days and a session acts until after its grace,
 * so what can go wrong meanwhile is that other payees claim first.
 */
export const ACCOUNT_STALE_LIMIT_MS = 5 * MINUTE_MS

/** Accounts, sessions and lines that are remembered: some 200 bytes each. */
export const MAX_CACHED_READS = 4096

/** Different calls to the chain under way at once; one more is refused, so that a slow node is not buried. */
export const MAX_CHAIN_CALLS = 64

/** A record is written within this, or the store does not work. A strict IndexedDB write takes 1 to 30 ms. */
export const STORE_DEADLINE_MS = 5 * SECOND_MS

/** Lines of payment that a provider keeps at hand; one is a payer and a model. */
export const MAX_LINES = 4096

/** Lines that are asked for at the chain in one reckoning, the largest first. */
export const MAX_RECKONED_LINES = 256

/** How often a payer may leave a signed chunk unpaid within {@link DEBT_MEMORY_MS}: broken connections do that, too. */
export const MAX_DEBTS = 8
export const DEBT_MEMORY_MS = 60 * MINUTE_MS

/** Payers whose debts, or times, are remembered; the eldest is forgotten. */
export const MAX_DEBTORS = 4096

/**
 * An eighth of its deposit is what a payer may owe one provider before anything is claimed: eight providers at once are
 * then covered by the deposit alone. At the price of the small models an eighth of 1 INF is 600,000 tokens.
 */
export const FIRST_CREDIT_DIVISOR = 8n

/**
 * After a day the whole deposit may stand unclaimed: who has signed more elsewhere was claimed of by then, and a deposit
 * that is too small for a claim must not stay locked.
 */
export const FULL_CREDIT_MS = 24 * 60 * MINUTE_MS

/** A claim is worth its gas when it brings this many times as much: 5 % of what is earned. */
export const CLAIM_WORTH_FACTOR = 20n

/** The most vouchers in one claim: about 3 million gas. */
export const MAX_CLAIM_BATCH = 100

/** Questions about one batch before it is sent: each voucher in it may be the one that spoils it. */
export const MAX_SIFT_CALLS = 2 * MAX_CLAIM_BATCH

/** What must be claimed is claimed when a quarter of the grace is left: a tab may sleep, a chain may be full. */
export const CLAIM_MARGIN_DIVISOR = 4

/** Vouchers that a provider leaves at a relay at once: 250 bytes each, 8 KiB together. */
export const MAX_LEFT_VOUCHERS = 32

/** What a relay keeps for others, 400 bytes each on its disk: per operator, and in all. */
export const MAX_BOX_LINES_PER_OPERATOR = 256
export const MAX_BOX_LINES = 20_000

/** Times that a peer may leave vouchers: after a job and once more at its end, by several models. */
export const LEAVE_RATE = { burst: 16, perSecond: 0.2 } as const

/** Streams of one peer to a relay's box. */
export const MAX_LEAVE_STREAMS = 2

/** Peers whose rate is remembered; the one that was silent for longest is forgotten. */
export const MAX_BOX_PEERS = 4096

/** A relay may ask the chain about each new line before it answers. */
export const LEAVE_DEADLINE_MS = 20 * SECOND_MS
