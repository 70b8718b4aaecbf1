import * as v from 'valibot'
import { toHex } from 'viem'
import { forwardedCalls, type FindCallKind } from '#shared/chain/forwarded-calls.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import {
  CALL_GAS,
  ESTIMATE_RUNS,
  FEES_COST,
  GAS_PER_COST,
  LOGS_COST,
  MAX_CALL_DATA_BYTES,
  MAX_CALL_GAS,
  MAX_FEE_BLOCKS,
  MAX_FEE_PERCENTILES,
  MAX_LOG_BLOCKS,
  SEND_COST,
} from './limits.ts'

/** How a method is passed on. */
export interface RpcMethod {
  readonly params: v.GenericSchema<unknown, readonly unknown[]>
  /** Where among the parameters the block stands; one that is missing means "latest". */
  readonly blockAt?: number
  /** Whether the answer may be given again until the next block. */
  readonly isCached: boolean
  /** What it takes of the asker's rate. Of parameters that are as they should be. */
  readonly cost: (params: readonly unknown[]) => number
  /** Makes of such parameters what the endpoint is asked, where that is something else. */
  readonly bounded?: (params: readonly unknown[]) => readonly unknown[]
}

const quantity = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/))
const data = (maxBytes: number) =>
  v.pipe(v.string(), v.maxLength(2 + 2 * maxBytes), v.regex(/^0x([0-9a-fA-F]{2})*$/))
const address = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{40}$/))
const word = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{64}$/))
const tag = v.union([v.picklist(['latest', 'pending', 'safe', 'finalized', 'earliest']), quantity])
const gas = v.pipe(
  quantity,
  v.check((text) => BigInt(text) <= MAX_CALL_GAS, 'gas'),
)

/** A call whose target is named: nobody tries out code of a contract that is not there. */
const callSchema = v.strictObject({
  from: v.exactOptional(address),
  to: address,
  data: v.exactOptional(data(MAX_CALL_DATA_BYTES)),
  input: v.exactOptional(data(MAX_CALL_DATA_BYTES)),
  value: v.exactOptional(quantity),
  gas: v.exactOptional(gas),
  gasPrice: v.exactOptional(quantity),
  maxFeePerGas: v.exactOptional(quantity),
  maxPriorityFeePerGas: v.exactOptional(quantity),
  nonce: v.exactOptional(quantity),
  type: v.exactOptional(quantity),
  chainId: v.exactOptional(quantity),
})
type CallParameters = v.InferOutput<typeof callSchema>

const dataOf = (call: CallParameters): string => call.data ?? call.input ?? '0x'

function knownCall(kindOf: FindCallKind) {
  return v.pipe(
    callSchema,
    // Endpoints differ in which of the two they take.
    v.check(({ data, input }) => data === undefined || input === undefined || data === input, 'data'),
    v.check((call) => kindOf(call.to, dataOf(call)) !== undefined, 'to'),
  )
}

/** Whoever names no gas would have the endpoint's own bound, which is that of a block. */
function gasOf(call: CallParameters, kindOf: FindCallKind): bigint {
  const most = CALL_GAS[kindOf(call.to, dataOf(call)) ?? 'read']
  const asked = call.gas === undefined ? most : BigInt(call.gas)
  return asked < most ? asked : most
}

/** The rule for a method that executes a call of ours, some runs of it. */
function executing(kindOf: FindCallKind, runs: number, rest: Partial<RpcMethod> = {}): RpcMethod {
  const gasIn = ([call]: readonly unknown[]): bigint => gasOf(call as CallParameters, kindOf)
  return {
    params: list([knownCall(kindOf)], [tag]),
    isCached: true,
    cost: (params) => runs * Math.max(1, Math.ceil(Number(gasIn(params)) / Number(GAS_PER_COST))),
    bounded: (params) => [
      { ...(params[0] as CallParameters), gas: toHex(gasIn(params)) },
      ...params.slice(1),
    ],
    ...rest,
  }
}

/** A list of parameters whose last ones may be missing. */
const list = (required: readonly v.GenericSchema[], optional: readonly v.GenericSchema[] = []) =>
  v.pipe(
    v.array(v.unknown()),
    v.check((params) => {
      const schemas = [...required, ...optional]
      const isLong = params.length >= required.length && params.length <= schemas.length
      return isLong && params.every((param, i) => v.is(schemas[i] ?? v.never(), param))
    }, 'params'),
  )

const read = (params: RpcMethod['params'], blockAt?: number, cost = 1): RpcMethod => ({
  params,
  isCached: true,
  cost: () => cost,
  ...(blockAt === undefined ? {} : { blockAt }),
})

/**
 * Every method that a relay passes on. What is not here is refused: accounts, signing, tracing, filters, and debugging.
 * Calls are of our contracts and assets alone, by selector, with a bound of gas that is always told.
 */
export function rpcMethods(network: NetworkFile): ReadonlyMap<string, RpcMethod> {
  const kindOf = forwardedCalls(network)
  const table: Record<string, RpcMethod> = {
    eth_chainId: read(list([])),
    eth_blockNumber: read(list([])),
    eth_getBlockByNumber: read(list([tag, v.literal(false)]), 0),
    eth_call: executing(kindOf, 1, { blockAt: 1 }),
    eth_getBalance: read(list([address], [tag]), 1),
    eth_getCode: read(list([address], [tag]), 1),
    eth_getTransactionCount: read(list([address], [tag]), 1),
    eth_estimateGas: executing(kindOf, ESTIMATE_RUNS, { isCached: false }),
    eth_gasPrice: read(list([])),
    eth_maxPriorityFeePerGas: read(list([])),
    eth_feeHistory: read(list([blockCount, tag], [percentiles]), 1, FEES_COST),
    eth_getTransactionReceipt: read(list([word])),
    eth_getTransactionByHash: read(list([word])),
    eth_getLogs: read(list([logFilter(network)]), undefined, LOGS_COST),
    eth_sendRawTransaction: {
      params: list([data(MAX_CALL_DATA_BYTES + 1024)]),
      isCached: false,
      cost: () => SEND_COST,
    },
  }
  return new Map(Object.entries(table))
}

const blockCount = v.pipe(
  quantity,
  v.check((text) => BigInt(text) <= BigInt(MAX_FEE_BLOCKS), 'blocks'),
)
const percentiles = v.pipe(
  v.array(v.pipe(v.number(), v.minValue(0), v.maxValue(100))),
  v.maxLength(MAX_FEE_PERCENTILES),
)

/** Logs of our contracts alone, over a bounded span of blocks; `toBlock` is set to the head where it says "latest". */
function logFilter({ contracts, escrows }: NetworkFile) {
  const ours = new Set(
    [
      ...[contracts.timelock, contracts.token, contracts.models, contracts.stake],
      ...escrows.flatMap(({ asset, escrow }) => [asset, escrow]),
    ].map((each) => each.toLowerCase()),
  )
  const oneOfOurs = v.pipe(
    address,
    v.check((each) => ours.has(each.toLowerCase()), 'address'),
  )
  const topic = v.nullable(v.union([word, v.pipe(v.array(word), v.maxLength(16))]))
  return v.strictObject({
    address: v.union([oneOfOurs, v.pipe(v.array(oneOfOurs), v.minLength(1), v.maxLength(ours.size))]),
    topics: v.exactOptional(v.pipe(v.array(topic), v.maxLength(4))),
    fromBlock: quantity,
    toBlock: v.exactOptional(v.union([v.literal('latest'), quantity])),
  })
}

/** The span of a log filter once its end is known. */
export function isSpanBounded(fromBlock: bigint, toBlock: bigint): boolean {
  return toBlock - fromBlock < BigInt(MAX_LOG_BLOCKS)
}
