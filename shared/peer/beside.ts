import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { millis, SECOND_MS, tokens, type Millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { isRedeemable } from '../prompt/request-quote.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { HedgeBudget } from '../schedule/policy/hedge.ts'
import { isPaid, isPrepaid } from '../stream/credit.ts'
import type { Others, Run } from './contest.ts'
import { mayBeSecond, mayFollow, type AnswerNeeds } from './second-provider.ts'

/** A first token that takes three times what was predicted comes from somebody who is not what the quote said. */
const PATIENCE_TIMES = 3

/** None is given up sooner: a page in the background, a cold GPU and a slow line take seconds that no quote foresees. */
const LEAST_PATIENCE_MS = 3 * SECOND_MS

/** Where the prompt is paid before it is read, who is asked beside is paid for it once more: that is worth some waiting. */
const PREPAID_PATIENCE_MS = 10 * SECOND_MS

/** Who was slow before is waited for longer, but no longer than this beyond its quote: it was slow by its own doing. */
const MOST_SLOWNESS_MS = 10 * SECOND_MS

/** Where there is nobody else, so long until the next look; twice as long each time. */
const FIRST_PAUSE_MS = 2 * SECOND_MS

/**
 * How long the first token of a job is waited for before somebody else is asked beside it.
 *
 * @param slowness what its predictions are multiplied with, by what was seen of it
 */
export function patienceMs(
  { quote: { quote }, prediction: { ttftMs } }: Pick<Assignment, 'quote' | 'prediction'>,
  { slowness, prefillTokens }: { slowness: number; prefillTokens: number },
): Millis {
  const isPaidBefore = isPaid(quote) && isPrepaid({ prefillTokens: tokens(prefillTokens) })
  const least = isPaidBefore ? PREPAID_PATIENCE_MS : LEAST_PATIENCE_MS
  const slow = Math.min(PATIENCE_TIMES * slowness * ttftMs, PATIENCE_TIMES * ttftMs + MOST_SLOWNESS_MS)
  return millis(Math.max(least, slow))
}

export interface BesideInit {
  readonly first: Assignment
  /** With quotes from the same look. */
  readonly spare: readonly Assignment[]
  readonly needs: AnswerNeeds
  /** How much of the model's places is taken. */
  readonly use: () => number
  /** From now until a hedge is due. */
  readonly hedgeMs: Millis
  readonly patienceOf: (assignment: Assignment) => Millis
  /** Looks for those who are ready now, but for these. */
  readonly look: (except: ReadonlySet<PeerName>) => Promise<readonly Assignment[]>
  readonly open: (assignment: Assignment) => Promise<Run>
  /** Told of one that could not be opened. */
  readonly onFailed: (assignment: Assignment, reason: InfernetError) => void
}

/**
 * Who else is asked for an answer that does not begin: one by the budget of hedges, and whatever that says the next one
 * whenever the newest job has used up its patience. A provider that takes a job and only beats costs its asker that, and
 * no more.
 */
export class Beside implements Others {
  readonly #clock: Clock
  readonly #hedges: HedgeBudget
  readonly #init: BesideInit
  readonly #running: Assignment[]
  #spare: Assignment[]
  #dueAt: number
  #isHedge: boolean
  #pauseMs = FIRST_PAUSE_MS

  constructor({ clock, hedges }: { clock: Clock; hedges: HedgeBudget }, init: BesideInit) {
    this.#clock = clock
    this.#hedges = hedges
    this.#init = init
    this.#running = [init.first]
    this.#spare = [...init.spare]
    this.#isHedge = init.hedgeMs < init.patienceOf(init.first)
    this.#dueAt = clock.monotonic() + (this.#isHedge ? init.hedgeMs : init.patienceOf(init.first))
  }

  waitMs(): Millis {
    return millis(Math.max(0, this.#dueAt - this.#clock.monotonic()))
  }

  async open(): Promise<Run | undefined> {
    if (this.#isHedge) return this.#hedge()
    const next = this.#take((each) => this.#mayFollow(each)) ?? (await this.#look())
    if (next) return this.#tryOne(next)
    this.#dueAt = this.#clock.monotonic() + this.#pauseMs
    this.#pauseMs *= 2
    return undefined
  }

  async #hedge(): Promise<Run | undefined> {
    const { first, needs, patienceOf, hedgeMs, use } = this.#init
    this.#isHedge = false
    this.#dueAt += patienceOf(first) - hedgeMs
    const second = this.#spare.find((each) => this.#isReady(each) && mayBeSecond(first, each, needs))
    if (!second || !this.#hedges.take(use())) return undefined
    return this.#tryOne(this.#take((each) => each === second) ?? second)
  }

  async #look(): Promise<Assignment | undefined> {
    const names = new Set(this.#running.map(({ offer }) => offer.provider))
    this.#spare = [...(await this.#init.look(names).catch(() => []))]
    return this.#take((each) => this.#mayFollow(each))
  }

  /** Nothing is lost where it does not open: those that run go on, and answer for themselves. */
  async #tryOne(next: Assignment): Promise<Run | undefined> {
    try {
      const run = await this.#init.open(next)
      this.#running.push(next)
      this.#dueAt = run.openedAt + this.#init.patienceOf(next)
      return run
    } catch (thrown) {
      this.#init.onFailed(next, InfernetError.from(thrown))
      return undefined
    }
  }

  #take(isWanted: (each: Assignment) => boolean): Assignment | undefined {
    const found = this.#spare.find(isWanted)
    this.#spare = this.#spare.filter((each) => each !== found)
    return found
  }

  #mayFollow(next: Assignment): boolean {
    return this.#isReady(next) && mayFollow(this.#running, next, this.#init.needs)
  }

  #isReady({ quote }: Assignment): boolean {
    return isRedeemable(quote, this.#clock.monotonic())
  }
}
