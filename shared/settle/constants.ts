import { MINUTE_MS, SECOND_MS } from '../base/units.ts'

/** EIP-712 domain of the escrow contract; chain id and address make it one deployment's own. */
export const ESCROW_DOMAIN = { name: 'Infernet Escrow', version: '1' } as const

/** Amounts on the chain are uint96: 79 billion INF. */
export const MAX_CHAIN_AMOUNT = 2n ** 96n - 1n

/** Epochs are uint32 on the chain. */
export const MAX_EPOCH = 2 ** 32 - 1

/** Chain ids above this are not safe integers; none in use comes near. */
export const MAX_CHAIN_ID = Number.MAX_SAFE_INTEGER

/** No account on any chain; as a relay it means "none". */
export const NO_ADDRESS_HEX = `0x${'0'.repeat(40)}` as const

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

/** Calls to the chain under way at once; more wait for their turn within their own deadline. */
export const MAX_CHAIN_CALLS = 16
