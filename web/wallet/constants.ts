import { MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'

/** One question to one node. A relay answers within milliseconds; a public node behind a crowd may take seconds. */
export const RPC_TIMEOUT_MS = 6 * SECOND_MS
/** How long a person may think about a signature before the page stops waiting. The wallet may still sign later. */
export const WALLET_ANSWER_MS = 10 * MINUTE_MS
/** How long a question that needs no person may take: which accounts, which chain, what it can do. */
export const WALLET_QUESTION_MS = 10 * SECOND_MS
/** A transaction that is in no block after so many block times is called stuck. */
export const STUCK_AFTER_BLOCKS = 8
/** And never before this, so that a chain of fast blocks does not cry at each hiccup. */
export const STUCK_AFTER_MS = 20 * SECOND_MS
/** Blocks that are searched for a transaction where the node has forgotten what an account's count was in each. */
export const REPLACEMENT_BLOCKS = 32n
/** An account's transactions that are searched for one whose number its wallet kept to itself. */
export const MAX_SEARCHED_NONCES = 16
/** Transactions of one block that are asked for one by one. */
export const MAX_BLOCK_TRANSACTIONS = 400
/** Nodes take a replacement only when it pays at least a tenth more; an eighth leaves room for rounding. */
export const SPEED_UP_PERMILLE = 1125n
/** Gas is estimated on the state of now; between estimate and block a slot may have become a dearer one. */
export const GAS_MARGIN = { numerator: 5n, denominator: 4n } as const
/** Injected wallets listed at most, in the order they announce themselves. */
export const MAX_INJECTED = 12
/** A wallet's name is a stranger's word: this much of it is shown. */
export const MAX_WALLET_NAME = 32
/** An icon is drawn from a `data:` URL of at most this many characters. */
export const MAX_ICON_CHARACTERS = 64 * 1024
