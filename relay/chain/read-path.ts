import * as v from 'valibot'
import { toHex, type Hex } from 'viem'
import { errorLine } from '#shared/errors/error-line.ts'
import { errorToMessage } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import type { ChainHead, Head } from './chain-head.ts'
import { Askers } from './call-turns.ts'
import type { ChainNode } from './chain-node.ts'
import {
  MAX_CACHED_ANSWER_BYTES,
  MAX_CACHED_ANSWERS,
  MAX_LOG_BLOCKS,
  MAX_RPC_BATCH,
  RPC_RATE,
} from './limits.ts'
import { NodeError } from '#shared/chain/node-error.ts'
import { isSpanBounded, rpcMethods, type RpcMethod } from './rpc-methods.ts'

/** Where an answer came from; the labels of the metric. */
export type RpcResult = 'cached' | 'asked' | 'refused' | 'failed'

export interface ReadPathComponents {
  readonly node: Pick<ChainNode, 'request'>
  readonly head: ChainHead
  readonly network: NetworkFile
  readonly onAnswer?: (method: string, result: RpcResult) => void
}

const requestSchema = v.object({
  jsonrpc: v.literal('2.0'),
  id: v.union([v.pipe(v.string(), v.maxLength(64)), v.pipe(v.number(), v.safeInteger())]),
  method: v.pipe(v.string(), v.maxLength(64)),
  params: v.optional(v.array(v.unknown()), []),
})
type Request = v.InferOutput<typeof requestSchema>

/** Who asks. */
export interface RpcAsker {
  /** What turns and rates count by. */
  readonly group: string
  readonly signal?: AbortSignal | undefined
}

/** An answer that all share who ask for it before the next block. */
interface Shared {
  readonly answer: Promise<unknown>
  readonly askers: Askers
}

/** JSON-RPC's own codes. */
const INVALID_REQUEST = -32600
const UNKNOWN_METHOD = -32601
const INVALID_PARAMS = -32602
const LIMIT_EXCEEDED = -32005
const UNAVAILABLE = -32002
const CODES: Partial<Record<InfernetError['code'], number>> = {
  'chain.method-refused': UNKNOWN_METHOD,
  'chain.bad-request': INVALID_PARAMS,
  'chain.rate-limited': LIMIT_EXCEEDED,
  'chain.busy': LIMIT_EXCEEDED,
}

/**
 * What tabs ask of the chain through their relay: a short list of methods, read at one block and remembered until the
 * next one.
 *
 * Each answer carries `block`, the number and hash of the block it was read at, so that a tab can put the same
 * question to an endpoint of its own and compare.
 */
export class ReadPath {
  readonly #components: ReadPathComponents
  readonly #methods: ReadonlyMap<string, RpcMethod>
  readonly #cache = new Map<string, Shared>()

  constructor(components: ReadPathComponents) {
    this.#components = components
    this.#methods = rpcMethods(components.network)
    components.head.onChange(() => this.#cache.clear())
  }

  /**
   * What a body costs of its sender's rate, before anything is done; never more than an address can save. Junk is cheap
   * to refuse and costs one.
   */
  costOf(body: unknown): number {
    const requests = Array.isArray(body) ? body.slice(0, MAX_RPC_BATCH) : [body]
    const sum = requests.reduce<number>((cost, each) => cost + this.#costOfOne(each), 0)
    return Math.min(RPC_RATE.burst, Math.max(1, sum))
  }

  #costOfOne(body: unknown): number {
    const read = v.safeParse(requestSchema, body)
    const rule = read.success ? this.#methods.get(read.output.method) : undefined
    return read.success && rule && v.is(rule.params, read.output.params) ? rule.cost(read.output.params) : 1
  }

  /** Answers one request or a batch. Never throws. */
  async answer(body: unknown, asker: RpcAsker): Promise<unknown> {
    if (!Array.isArray(body)) return this.#answerOne(body, asker)
    if (body.length === 0 || body.length > MAX_RPC_BATCH)
      return refusal(null, new InfernetError('chain.bad-request', { field: 'batch' }), INVALID_REQUEST)
    return Promise.all(body.map((each) => this.#answerOne(each, asker)))
  }

  async #answerOne(body: unknown, asker: RpcAsker): Promise<unknown> {
    const read = v.safeParse(requestSchema, body)
    if (!read.success) {
      this.#count('none', 'refused')
      return refusal(null, new InfernetError('chain.bad-request', { field: 'request' }), INVALID_REQUEST)
    }
    const request = read.output
    try {
      return { jsonrpc: '2.0', id: request.id, ...(await this.#resultOf(request, asker)) }
    } catch (thrown) {
      const isRefused = InfernetError.from(thrown).code in CODES
      this.#count(
        this.#methods.has(request.method) ? request.method : 'other',
        isRefused ? 'refused' : 'failed',
      )
      return refusal(request.id, thrown)
    }
  }

  async #resultOf(
    { method, params }: Request,
    asker: RpcAsker,
  ): Promise<{ result: unknown; block: unknown }> {
    const rule = this.#methods.get(method)
    if (!rule) throw new InfernetError('chain.method-refused', { method: nameOf(method) })
    if (!v.is(rule.params, params)) throw new InfernetError('chain.bad-request', { field: nameOf(method) })
    const head = await this.#components.head.fresh()
    const block = { number: toHex(head.number), hash: head.hash }
    if (method === 'eth_chainId') return { result: toHex(this.#components.network.chainId), block }
    if (method === 'eth_blockNumber') return { result: block.number, block }
    const bounded = rule.bounded?.(params) ?? params
    const pinned = method === 'eth_getLogs' ? pinLogs(bounded, head) : pinBlock(bounded, rule, head)
    const result = await this.#ask(method, pinned, rule, asker)
    this.#learn(method, result, head)
    return { result, block }
  }

  /** The same question before the next block is asked once, however many ask it. */
  async #ask(
    method: string,
    params: readonly unknown[],
    { isCached }: RpcMethod,
    { group, signal }: RpcAsker,
  ): Promise<unknown> {
    const { node } = this.#components
    // The pool changes between blocks, so what counts it is never remembered.
    if (!isCached || params.includes('pending')) {
      this.#count(method, 'asked')
      return node.request(method, params, { signal, askers: new Askers(group) })
    }
    const key = `${method} ${JSON.stringify(params)}`
    const known = this.#cache.get(key)
    this.#count(method, known ? 'cached' : 'asked')
    // Who asked first may have to wait longer than who asks now.
    known?.askers.add(group)
    if (known) return known.answer
    const askers = new Askers(group)
    // Without the asker's signal: others may be waiting for the same answer.
    const answer = node.request(method, params, { askers })
    this.#remember(key, { answer, askers })
    return answer
  }

  #remember(key: string, shared: Shared): void {
    if (this.#cache.size >= MAX_CACHED_ANSWERS) this.#cache.delete(this.#cache.keys().next().value ?? '')
    this.#cache.set(key, shared)
    const forget = (): void => {
      if (this.#cache.get(key) === shared) this.#cache.delete(key)
    }
    shared.answer.then((result) => {
      // Not mined yet is true for a moment only.
      if (result === null || JSON.stringify(result).length > MAX_CACHED_ANSWER_BYTES) forget()
    }, forget)
  }

  /** Who has seen a transaction in a block must not be shown the time before it. */
  #learn(method: string, result: unknown, head: Head): void {
    if (method === 'eth_sendRawTransaction') return this.#components.head.expire()
    if (!method.startsWith('eth_getTransaction') || typeof result !== 'object' || result === null) return
    const number = 'blockNumber' in result ? result.blockNumber : undefined
    if (typeof number === 'string' && /^0x[0-9a-f]{1,16}$/i.test(number) && BigInt(number) > head.number)
      this.#components.head.expire()
  }

  #count(method: string, result: RpcResult): void {
    this.#components.onAnswer?.(method, result)
  }
}

/** "latest" is made the block that the answer is said to be of. */
function pinBlock(params: readonly unknown[], { blockAt }: RpcMethod, head: Head): readonly unknown[] {
  if (blockAt === undefined) return params
  const block = params[blockAt] ?? 'latest'
  return block === 'latest' ? params.toSpliced(blockAt, 1, toHex(head.number)) : params
}

function pinLogs([filter]: readonly unknown[], head: Head): readonly unknown[] {
  const asked = filter as { fromBlock: Hex; toBlock?: Hex | 'latest' }
  const wanted =
    asked.toBlock === undefined || asked.toBlock === 'latest' ? head.number : BigInt(asked.toBlock)
  const to = wanted < head.number ? wanted : head.number
  if (!isSpanBounded(BigInt(asked.fromBlock), to))
    throw new InfernetError('chain.bad-request', { field: `eth_getLogs: over ${MAX_LOG_BLOCKS} blocks` })
  return [{ ...asked, toBlock: toHex(to) }]
}

/** What may be said back of a stranger's word. */
function nameOf(method: string): string {
  return /^\w{1,40}$/.test(method) ? method : 'it'
}

/** An error as JSON-RPC has it: a node's with its own code and data, one of ours with its name and facts in `data`. */
export function refusal(id: string | number | null, thrown: unknown, code?: number): unknown {
  if (thrown instanceof NodeError) {
    const { code: own, message, data } = thrown
    return { jsonrpc: '2.0', id, error: { code: own, message, ...(data === undefined ? {} : { data }) } }
  }
  const error = InfernetError.from(thrown)
  return {
    jsonrpc: '2.0',
    id,
    error: {
      code: code ?? CODES[error.code] ?? UNAVAILABLE,
      message: errorLine(error),
      data: errorToMessage(error),
    },
  }
}
