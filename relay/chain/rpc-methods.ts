import * as v from 'valibot'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import {
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
  /** What it takes of the asker's rate. */
  readonly cost: number
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

const callSchema = v.strictObject({
  from: v.exactOptional(address),
  to: v.exactOptional(v.nullable(address)),
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

const read = (params: RpcMethod['params'], blockAt?: number): RpcMethod => ({
  params,
  isCached: true,
  cost: 1,
  ...(blockAt === undefined ? {} : { blockAt }),
})

/** Every method that a relay passes on. What is not here is refused: accounts, signing, tracing, filters, and debugging. */
export function rpcMethods(network: NetworkFile): ReadonlyMap<string, RpcMethod> {
  const table: Record<string, RpcMethod> = {
    eth_chainId: read(list([])),
    eth_blockNumber: read(list([])),
    eth_getBlockByNumber: read(list([tag, v.literal(false)]), 0),
    eth_call: read(list([callSchema], [tag]), 1),
    eth_getBalance: read(list([address], [tag]), 1),
    eth_getCode: read(list([address], [tag]), 1),
    eth_getTransactionCount: read(list([address], [tag]), 1),
    eth_estimateGas: { ...read(list([callSchema], [tag])), isCached: false },
    eth_gasPrice: read(list([])),
    eth_maxPriorityFeePerGas: read(list([])),
    eth_feeHistory: read(list([blockCount, tag], [percentiles]), 1),
    eth_getTransactionReceipt: read(list([word])),
    eth_getTransactionByHash: read(list([word])),
    eth_getLogs: read(list([logFilter(network)])),
    eth_sendRawTransaction: {
      params: list([data(MAX_CALL_DATA_BYTES + 1024)]),
      isCached: false,
      cost: SEND_COST,
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
