import { keccak256, type Hex } from 'viem'
import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Logger } from '../observe/log.ts'
import { CallTurns, type Askers } from './call-turns.ts'
import {
  MAX_NODE_ANSWER_BYTES,
  NODE_CALL_MS,
  NODE_PARALLEL,
  NODE_PARALLEL_PER_ASKER,
  NODE_RESERVED,
  NODE_REST_MAX_MS,
  NODE_REST_MIN_MS,
  NODE_TOTAL_MS,
  NODE_WAITING,
} from './limits.ts'
import { isPassing, NodeError, readNodeError } from '#shared/chain/node-error.ts'

export interface ChainNodeComponents {
  readonly clock: Clock
  readonly log: Logger
}

export interface ChainNodeInit {
  readonly chainId: number
  /** JSON-RPC endpoints, best first. */
  readonly urls: readonly string[]
}

interface Endpoint {
  readonly url: string
  /** Whether it said the right chain id. */
  isChecked: boolean
  failures: number
  /** Monotonic time until which others are asked first. */
  restsUntil: number
}

/** The chain as the relay asks it: several endpoints as one, within bounds of bytes, time and calls at once. */
export class ChainNode {
  readonly #components: ChainNodeComponents
  readonly #chainId: number
  readonly #endpoints: readonly Endpoint[]
  readonly #turns = new CallTurns({
    places: NODE_PARALLEL,
    reserved: NODE_RESERVED,
    placesPerAsker: NODE_PARALLEL_PER_ASKER,
    waiting: NODE_WAITING,
  })
  #nextId = 1

  constructor(components: ChainNodeComponents, { chainId, urls }: ChainNodeInit) {
    this.#components = components
    this.#chainId = chainId
    this.#endpoints = urls.map((url) => ({ url, isChecked: false, failures: 0, restsUntil: 0 }))
  }

  /**
   * Asks the first endpoint that answers.
   *
   * @param options.askers the strangers that want to know; without them the relay asks for itself, and waits for nobody
   * @throws NodeError when the chain itself refuses, e.g. a revert.
   * @throws InfernetError `chain.unavailable` when nobody answers in time, `chain.busy` when too many wait.
   */
  async request(
    method: string,
    params: readonly unknown[],
    { signal, askers }: { signal?: AbortSignal | undefined; askers?: Askers } = {},
  ): Promise<unknown> {
    const late = (): Error => new InfernetError('chain.unavailable')
    return withDeadline(
      this.#components.clock,
      millis(NODE_TOTAL_MS),
      late,
      async (own) => {
        const leave = await this.#turns.enter(askers, own)
        try {
          return await this.#ask(method, params, own)
        } finally {
          leave()
        }
      },
      { signal },
    )
  }

  async #ask(method: string, params: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    let refused: NodeError | undefined
    for (const endpoint of this.#inOrder()) {
      try {
        const result = await this.#callChecked(endpoint, method, params, signal)
        endpoint.failures = 0
        endpoint.restsUntil = 0
        return result
      } catch (thrown) {
        signal.throwIfAborted()
        if (thrown instanceof NodeError) {
          if (method === 'eth_sendRawTransaction' && thrown.message === 'already known')
            return keccak256(params[0] as Hex) // sent by an earlier try of ours, or twice by the tab
          if (!isPassing(thrown)) throw thrown
          refused = thrown
        } else this.#rest(endpoint, thrown)
      }
    }
    throw new InfernetError('chain.unavailable', {}, { cause: refused })
  }

  /** Those that rest come last, so that with all of them failing each is still tried. */
  #inOrder(): readonly Endpoint[] {
    const now = this.#components.clock.monotonic()
    return this.#endpoints.toSorted((a, b) => Number(a.restsUntil > now) - Number(b.restsUntil > now))
  }

  #rest(endpoint: Endpoint, thrown: unknown): void {
    const { clock, log } = this.#components
    if (endpoint.failures === 0)
      log.warn(
        { err: thrown, endpoint: new URL(endpoint.url).host },
        'an endpoint of the chain does not answer',
      )
    const restMs = Math.min(NODE_REST_MAX_MS, NODE_REST_MIN_MS * 2 ** endpoint.failures++)
    endpoint.restsUntil = clock.monotonic() + restMs
  }

  /** An endpoint of another chain would make every answer wrong; each is asked once who it is. */
  async #callChecked(
    endpoint: Endpoint,
    method: string,
    params: readonly unknown[],
    signal: AbortSignal,
  ): Promise<unknown> {
    if (!endpoint.isChecked) {
      const id = Number(await this.#call(endpoint.url, 'eth_chainId', [], signal))
      if (id !== this.#chainId) throw new Error(`it is of chain ${id}, not ${this.#chainId}`)
      endpoint.isChecked = true
    }
    return this.#call(endpoint.url, method, params, signal)
  }

  async #call(url: string, method: string, params: readonly unknown[], outer: AbortSignal): Promise<unknown> {
    const late = (): Error => new Error(`no answer within ${NODE_CALL_MS} ms`)
    const { clock } = this.#components
    const ask = async (signal: AbortSignal): Promise<unknown> => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: this.#nextId++, method, params })
      const headers = { 'Content-Type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
      const answer = JSON.parse(await readText(response, MAX_NODE_ANSWER_BYTES)) as Record<string, unknown>
      if (answer['error'] !== undefined && answer['error'] !== null) throw readNodeError(answer['error'])
      if (!response.ok || !('result' in answer)) throw new Error(`it answers ${response.status}`)
      return answer['result']
    }
    return withDeadline(clock, millis(NODE_CALL_MS), late, ask, { signal: outer })
  }
}

/** The body as text; more than `maxBytes` is an error, and the rest is not read. */
async function readText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw new Error(`its answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
