import { KIB, MIB, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import type { CallKind } from '#shared/chain/forwarded-calls.ts'

/*
 * The bounds of what a relay does with a chain, each with its reason. An endpoint is public or rented: what strangers
 * can make us ask of it is what they can make us pay for.
 */

/** One call to one endpoint. Public ones answer in 50 to 500 ms. */
export const NODE_CALL_MS = 4 * SECOND_MS

/** One question of a tab, all endpoints tried: it falls back to its own endpoint after this. */
export const NODE_TOTAL_MS = 8 * SECOND_MS

/** An endpoint that failed is left alone for this long, doubling, while another one answers. */
export const NODE_REST_MIN_MS = SECOND_MS
export const NODE_REST_MAX_MS = MINUTE_MS

/**
 * Calls under way at all endpoints together; strangers leave 8 of them to the relay's own questions, of which one round
 * of claims has 8 open. One address takes 16, so that another one always finds a place among the 24 of strangers.
 */
export const NODE_PARALLEL = 32
export const NODE_RESERVED = 8
export const NODE_PARALLEL_PER_ASKER = 16
/** Strangers' calls that wait for their turn: 13 pages that open at once. As many of the relay's own beside them. */
export const NODE_WAITING = 512

/** The largest answer that is read: 2000 logs of ours are half of it. */
export const MAX_NODE_ANSWER_BYTES = MIB

/** A batch of 20 calls with data of 2 KiB each, with room. */
export const MAX_RPC_BODY_BYTES = 64 * KIB
export const MAX_RPC_BATCH = 20

/** Input of one call: 24 vouchers of 448 bytes claim at once. */
export const MAX_CALL_DATA_BYTES = 24 * KIB

/**
 * Gas that a call may burn at the endpoint, by what it does; an endpoint executes some 100 million a second. A read of
 * ours takes below 150,000: sixteen bindings of one operator. A payer that is a contract may take 350,000 to check a
 * passkey's signature. What one person does takes below 200,000 (`contracts/snapshots`), a passkey aside. A claim of 24
 * vouchers, each of another payer, takes below 2.5 million, a jail of an operator with 16 keys some 1.1 million. A wallet
 * that is a contract takes coins for below 50,000.
 */
export const MAX_CALL_GAS = 3_000_000n
export const CALL_GAS = {
  read: 300_000n,
  check: 600_000n,
  act: 600_000n,
  many: MAX_CALL_GAS,
  coin: 100_000n,
} as const satisfies Record<CallKind, bigint>
/** What a call takes of its address's rate is its gas in these, one at least. */
export const GAS_PER_COST = 300_000n
/** An estimate runs its call several times over. */
export const ESTIMATE_RUNS = 2

/** Blocks that one question for logs may span; public endpoints refuse more than 500 to 10,000. */
export const MAX_LOG_BLOCKS = 2000

/** A fee estimate looks at 10 to 20 blocks and 3 percentiles. */
export const MAX_FEE_BLOCKS = 32
export const MAX_FEE_PERCENTILES = 8

/** Answers that are kept until the next block: of 4 KB each on average, 8 MB. */
export const MAX_CACHED_ANSWERS = 2048
/** A larger answer is not kept. */
export const MAX_CACHED_ANSWER_BYTES = 64 * KIB

/**
 * Calls from one address, behind which there may be a school: a page that opens asks 30, one in use asks 2 a second, and
 * 20 more after each block that concerns its wallet; a transaction counts as ten, its estimate as four, that of a claim
 * as twenty. With claims alone an address burns 18 million gas a second at the endpoint, and others have their turns.
 */
export const RPC_RATE = { burst: 600, perSecond: 60 } as const
export const RPC_PARALLEL_PER_ADDRESS = 16
export const SEND_COST = 10
/** No page asks for logs; an endpoint looks through 2000 blocks for them. */
export const LOGS_COST = 10
/** The fees of up to 32 blocks. */
export const FEES_COST = 2

/** A head younger than this share of the block time is not asked for again. */
export const HEAD_FRESH_SHARE = 0.25
export const HEAD_FRESH_MIN_MS = 100
export const HEAD_FRESH_MAX_MS = SECOND_MS

/** Lines whose payers are looked at in one round of carrying; the rest comes in the next ones. */
export const CARRY_LOOK_LINES = 256
/** Questions to the chain that one round has open. */
export const CARRY_PARALLEL = 8
/** Transactions with claims that one round sends: one for all, others for who spoilt one before. */
export const MAX_CARRY_BATCHES = 8
/** The longest that a voucher or a provider that brings nothing is passed over, in rounds: 21 hours of five minutes. */
export const MAX_CARRY_REST_ROUNDS = 256
/** And never for more than this part of the escrow's grace: what was worthless may be due by then. */
export const CARRY_REST_DIVISOR = 16
/** Providers that are remembered for a transaction that a block reverted: 100 bytes each. */
export const MAX_STRUCK_OPERATORS = 1024
/** What the relay itself is owed is collected this often. */
export const COLLECT_EVERY_MS = 60 * MINUTE_MS

/**
 * Operators that are remembered: a kilobyte each, and three where one names sixteen keys. At the least stake of 10 INF
 * filling this takes 200,000 INF.
 */
export const MAX_OPERATORS = 20_000

/** Blocks that are looked at again each time: a reorganisation deeper than this is found by re-reading states. */
export const REORG_BLOCKS = 64

/** Spans of logs that one look reads; a long history is caught up over several looks. */
export const LOG_SPANS_PER_LOOK = 10

/** Known operators whose state is read again at each look, in turn: logs may be missing, or lie. */
export const REREAD_PER_LOOK = 32

/** Operators that one look reads because logs name them; the rest comes with the next. */
export const MAX_READS_PER_LOOK = 512

/** Between two looks at the stake contract, at the least. */
export const STAKE_LOOK_MIN_MS = 2 * SECOND_MS

/**
 * What a payer must settle lately to count for one in demand, in whole units of the asset: what somebody pays who asks a
 * small model some twenty things. Whoever settles more counts no more.
 */
export const DEMAND_SHARE = '0.01'

/** Publications that are remembered, by hash and name: 300 bytes each. A stranger fills this for some dollars. */
export const MAX_NOTED_PUBLICATIONS = 10_000

/** Between two looks at the models contract, at the least. */
export const PUBLICATIONS_LOOK_MIN_MS = 2 * SECOND_MS

/** So often in a row one block's logs are asked for before it is passed over. */
export const MAX_BLOCK_FAILURES = 8
