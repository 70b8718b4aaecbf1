import type { Clock } from '../base/clock.ts'
import type { ChainAddress } from '../base/ids.ts'
import { millis, type BaseUnits, type Millis } from '../base/units.ts'
import { raceSignal, withDeadline } from '../base/wait.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import type { ChainAccount, ChainOperator, ChainSession, ChainView, ReadOptions } from './chain-view.ts'
import {
  ACCOUNT_MAX_AGE_MS,
  ACCOUNT_STALE_LIMIT_MS,
  CHAIN_CALL_DEADLINE_MS,
  MAX_CACHED_READS,
  MAX_CHAIN_CALLS,
} from './constants.ts'
import type { PaymentLine } from './voucher.ts'

interface Kept {
  readonly value: unknown
  readonly readAt: Millis
}

/**
 * A view of the chain that answers from memory while that is young, asks once for many, and goes on with what it knew
 * for some minutes when the chain does not answer. Each call has a deadline, and so many run at once.
 */
export class CachedChainView implements ChainView {
  readonly #chain: ChainView
  readonly #clock: Clock
  /** In order of use, the eldest first. */
  readonly #kept = new Map<string, Kept>()
  readonly #running = new Map<string, Promise<unknown>>()

  constructor(chain: ChainView, clock: Clock) {
    this.#chain = chain
    this.#clock = clock
  }

  account(payer: ChainAddress, options: ReadOptions = {}): Promise<ChainAccount> {
    return this.#read(`account ${payer}`, options, (own) => this.#chain.account(payer, own))
  }

  session(payer: ChainAddress, key: ChainAddress, options: ReadOptions = {}): Promise<ChainSession> {
    return this.#read(`session ${payer} ${key}`, options, (own) => this.#chain.session(payer, key, own))
  }

  claimed(line: PaymentLine, options: ReadOptions = {}): Promise<BaseUnits> {
    const { payer, provider, model, epoch } = line
    const name = `claimed ${payer} ${provider} ${model} ${epoch}`
    return this.#read(name, options, (own) => this.#chain.claimed(line, own))
  }

  operator(operator: ChainAddress, options: ReadOptions = {}): Promise<ChainOperator> {
    return this.#read(`operator ${operator}`, options, (own) => this.#chain.operator(operator, own))
  }

  async #read<T>(
    name: string,
    { isFresh = false, signal }: ReadOptions,
    call: (own: { signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const kept = this.#kept.get(name)
    const age = kept ? this.#clock.monotonic() - kept.readAt : Infinity
    if (kept && !isFresh && age < ACCOUNT_MAX_AGE_MS) return kept.value as T
    try {
      return await raceSignal(this.#ask(name, isFresh, call), signal)
    } catch (thrown) {
      const mayGoOn = kept && !isFresh && age < ACCOUNT_STALE_LIMIT_MS
      if (mayGoOn && hasCode(thrown, 'payment.chain-unreachable')) return kept.value as T
      throw thrown
    }
  }

  /** Joins a call that is on its way; one that must be fresh begins after now, whatever is on its way. */
  #ask<T>(name: string, isFresh: boolean, call: (own: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    const running = this.#running.get(name)
    if (running && !isFresh) return running as Promise<T>
    if (this.#running.size >= MAX_CHAIN_CALLS && !running)
      return Promise.reject(new InfernetError('payment.chain-unreachable', { calls: this.#running.size }))
    const late = (): Error =>
      new InfernetError('payment.chain-unreachable', { limitMs: CHAIN_CALL_DEADLINE_MS })
    const asked = withDeadline(this.#clock, millis(CHAIN_CALL_DEADLINE_MS), late, (signal) =>
      call({ signal }),
    )
      .then((value) => {
        this.#keep(name, value)
        return value
      })
      .catch((thrown: unknown) => {
        throw InfernetError.from(thrown, 'payment.chain-unreachable')
      })
      .finally(() => {
        if (this.#running.get(name) === asked) this.#running.delete(name)
      })
    this.#running.set(name, asked)
    return asked
  }

  #keep(name: string, value: unknown): void {
    this.#kept.delete(name)
    this.#kept.set(name, { value, readAt: this.#clock.monotonic() })
    for (const eldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_CACHED_READS) return
      this.#kept.delete(eldest)
    }
  }
}
