import type { Clock } from '../base/clock.ts'
import type { ModelHash } from '../base/ids.ts'
import { jittered } from '../base/jittered.ts'
import type { Random } from '../base/random.ts'
import { SoonTimer } from '../base/soon-timer.ts'
import { epochMillis, MINUTE_MS, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { FoundVerdict } from '../verify/board/find-records.ts'
import type { Accusation, AccusationState } from './accusation.ts'

/** So often relays are asked what is said of this provider. */
const LOOK_MS = 10 * MINUTE_MS

/**
 * At most one self-test of all models within this time: a verdict costs a stranger nothing but a key, and a test some
 * seconds of the GPU, or one load of a model.
 */
const REST_MS = 60 * MINUTE_MS

/** A model that is provided, and can be tested again. */
export interface TestableModel {
  readonly model: ModelHash
  /** When it passed its last self-test, by this provider's clock. */
  readonly testedAt: EpochMillis | undefined
  /** Says where it stands with what somebody found. */
  tell(accusation: Accusation): void
  /**
   * Tests it as soon as nobody is being answered with it.
   *
   * @param onTesting called when it begins
   * @throws InfernetError `engine.self-test-failed`; anything else for a test that could not be made
   */
  test(options: { readonly signal: AbortSignal; readonly onTesting: () => void }): Promise<void>
}

export interface VerdictWatchComponents {
  readonly clock: Clock
  readonly random: Random
  /** The last verdicts about this provider, verified: as `findVerdicts` of `shared/verify/board`. */
  readonly find: (options: { readonly signal: AbortSignal }) => Promise<readonly FoundVerdict[]>
  /** Whether a relay is there that can be asked. */
  readonly hasRelays: () => boolean
  /** Calls back when relays come or go. Returns what undoes it. */
  readonly onRelays: (callback: () => void) => () => void
  readonly models: () => readonly TestableModel[]
}

interface News {
  readonly found: FoundVerdict
  readonly accused: TestableModel
}

/**
 * A bad driver looks like a cheat, so a provider of whom somebody says that an answer *differs* tests itself again: when
 * that is newer than its last self-test, and at most once an hour, whatever strangers publish. Where several are accused
 * at a time, those of verifiers with stake come first, then the newest.
 */
export class VerdictWatch {
  readonly #components: VerdictWatchComponents
  readonly #lookMs: number
  readonly #stopper = new AbortController()
  readonly #stopListening: () => void
  readonly #timer: SoonTimer
  #restsUntil = -Infinity
  #isLooking = false
  #hasLooked = false

  /** @param lookMs how often relays are asked. @default ten minutes */
  constructor(
    components: VerdictWatchComponents,
    { lookMs = LOOK_MS }: { lookMs?: number | undefined } = {},
  ) {
    this.#components = components
    this.#lookMs = lookMs
    this.#timer = new SoonTimer(components.clock, () => void this.#look())
    // At the start there may be no relay yet; later ones that come and go make no difference.
    this.#stopListening = components.onRelays(() => void (this.#hasLooked || this.#timer.within(0)))
    this.#timer.within(0)
  }

  /** Ends a test that runs as well. */
  stop(): void {
    this.#stopper.abort(new InfernetError('stream.draining'))
    this.#timer.stop()
    this.#stopListening()
  }

  async #look(): Promise<void> {
    const { find, hasRelays, random } = this.#components
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      this.#hasLooked ||= hasRelays()
      if (hasRelays()) await this.#answer(await find({ signal: this.#stopper.signal }))
    } catch {
      // No relay said anything, or it is over.
    } finally {
      this.#isLooking = false
      this.#timer.within(jittered(random, this.#lookMs))
    }
  }

  async #answer(found: readonly FoundVerdict[]): Promise<void> {
    const { clock } = this.#components
    const [first] = this.#newsOf(found)
    if (!first) return
    const restMs = this.#restsUntil - clock.monotonic()
    if (restMs > 0) {
      this.#tell(first, { stage: 'resting', until: epochMillis(clock.now() + restMs) })
      return this.#timer.within(restMs)
    }
    this.#restsUntil = clock.monotonic() + REST_MS
    await this.#test(first)
  }

  /** What no self-test has answered, the weightiest first. */
  #newsOf(found: readonly FoundVerdict[]): readonly News[] {
    const now = this.#components.clock.now()
    const models = new Map(this.#components.models().map((each) => [each.model, each]))
    const news = found.flatMap((each): News[] => {
      const { model, outcome, at } = each.verdict
      const accused = models.get(model)
      if (!accused || outcome !== 'differs' || at <= (accused.testedAt ?? 0)) return []
      return [{ found: each, accused }]
    })
    // By a clock that is ahead of ours: a test would not be newer than that yet.
    const ahead = news.filter((each) => atOf(each) >= now)
    for (const each of ahead) this.#timer.within(Math.max(MINUTE_MS, atOf(each) - now + SECOND_MS))
    return news
      .filter((each) => !ahead.includes(each))
      .sort((a, b) => Number(isStaked(b.found)) - Number(isStaked(a.found)) || atOf(b) - atOf(a))
  }

  /** Never throws: what it came to is told. */
  async #test(news: News): Promise<void> {
    const { signal } = this.#stopper
    const tell = this.#tell.bind(this, news)
    tell({ stage: 'waiting' })
    try {
      await news.accused.test({ signal, onTesting: () => tell({ stage: 'testing' }) })
      tell({ stage: 'passed', at: this.#components.clock.now() })
    } catch (thrown) {
      const reason = InfernetError.from(thrown, 'engine.crashed')
      const hasFailed = reason.code === 'engine.self-test-failed'
      if (!signal.aborted || hasFailed) tell({ stage: hasFailed ? 'failed' : 'undecided', reason })
    }
  }

  #tell({ found, accused }: News, state: AccusationState): void {
    const { verifier, verdict } = found
    const { model, difference, at } = verdict
    accused.tell({
      ...{ verifier, model, difference, at, state },
      class: verdict.class,
      isStaked: isStaked(found),
    })
  }
}

const isStaked = ({ staked }: FoundVerdict): boolean => staked !== undefined
const atOf = ({ found }: News): number => found.verdict.at
