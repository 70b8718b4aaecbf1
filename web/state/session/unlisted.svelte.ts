import { SvelteMap } from 'svelte/reactivity'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Random } from '#shared/base/random.ts'
import { TokenBucket } from '#shared/base/token-bucket.ts'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { hasCode, InfernetError } from '#shared/errors/infernet-error.ts'
import { ranked, votesFor } from './rank-unlisted.ts'
import type { SessionServices } from './services.ts'
import type { Session } from './session.svelte.ts'
import type { Settings } from './settings.svelte.ts'

/** Offers cost a stranger nothing, so a press of the button looks up a few of the models that they name. @internal */
export const LOOKED_UP_AT_PRESS = 6
const AT_ONCE = 3
/** All presses and links together. @internal */
export const LOOK_UP_RATE = { burst: 18, perSecond: 1 / 60 } as const
/** Finding who has it, dialling and sending are within seconds where somebody does. */
const LOOK_UP_MS = 20 * SECOND_MS
/** One that could not be had is left alone for this long. */
const SHUN_MS = 5 * MINUTE_MS
/** More are forgotten, the oldest first. */
const MAX_MISSED = 256

/** Why nobody is asked: the visitor said so. */
export type LookUpHold = 'hides-address' | 'origins-only'

/** Why a model is still unknown: nobody gave its manifest, or it is of a kind that this page does not know. */
export type Missed = 'withheld' | 'unusable'

/** A model that a link names. */
export interface LinkedModel {
  readonly model: ModelHash
  readonly state: 'looking' | 'spent' | Missed | LookUpHold
}

export interface UnlistedComponents {
  readonly clock: Clock
  readonly random: Random
  readonly session: Pick<Session, 'live' | 'ownNames' | 'choice' | 'modelsReady' | 'readModels'>
  readonly settings: Pick<Settings, 'hideAddress' | 'originsOnly'>
  readonly learn: SessionServices['learnModel']
}

/**
 * Models that strangers lend and that no list names. What they are is asked of the peers who have them, when the visitor
 * says so or follows a link to one: those who are asked see this tab's address, and anybody may offer any hash, so to
 * ask for each that is seen would show every visitor to whoever wants to count them.
 */
export class Unlisted {
  readonly #components: UnlistedComponents
  readonly #rate: TokenBucket
  readonly #missed = new SvelteMap<ModelHash, { readonly why: Missed; readonly at: number }>()
  #isLooking = $state(false)
  #isSpent = $state(false)
  #linked = $state.raw<LinkedModel | undefined>()

  constructor(components: UnlistedComponents) {
    this.#components = components
    this.#rate = new TokenBucket(components.clock, LOOK_UP_RATE)
  }

  /** Models that others lend now and that no list names, what was missed included. */
  get lent(): readonly ModelHash[] {
    const { session } = this.#components
    return [...votesFor(session).keys()]
  }
  /** How many of {@link lent} were asked for in vain a moment ago. */
  missed(why: Missed): number {
    return this.lent.filter((model) => this.#missOf(model) === why).length
  }
  /** How many can be looked up now. */
  get open(): number {
    return this.lent.filter((model) => !this.#missOf(model)).length
  }
  get hold(): LookUpHold | undefined {
    const { hideAddress, originsOnly } = this.#components.settings
    if (hideAddress.value) return 'hides-address'
    return originsOnly.value ? 'origins-only' : undefined
  }
  get isLooking(): boolean {
    return this.#isLooking
  }
  /** True where so many were looked up that the next ones have to wait. */
  get isSpent(): boolean {
    return this.#isSpent
  }
  /** What a link named and no list knows, until it is known. */
  get linked(): LinkedModel | undefined {
    return this.#linked
  }

  /** Looks up a few, those with most independent offers first. Never throws. */
  async lookUp(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const wanted = this.#ranked().slice(0, LOOKED_UP_AT_PRESS)
    let found = 0
    const askInTurn = async (): Promise<void> => {
      for (let model = wanted.shift(); model && !this.hold; model = wanted.shift())
        if (await this.#learn(model)) found++
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, askInTurn))
      if (found > 0) await this.#components.session.readModels()
    } finally {
      this.#isLooking = false
    }
  }

  /** Looks up what a link names, where no list does. True when it is known then. Never throws. */
  async follow(model: ModelHash): Promise<boolean> {
    const { session } = this.#components
    await session.modelsReady
    if (session.choice(model)) return true
    const { hold } = this
    this.#linked = { model, state: hold ?? 'looking' }
    if (hold) return false
    if (!this.#missOf(model) && (await this.#learn(model))) await session.readModels()
    if (session.choice(model)) this.#linked = undefined
    else this.#linked = { model, state: this.#missOf(model) ?? (this.#isSpent ? 'spent' : 'withheld') }
    return this.#linked === undefined
  }

  async #learn(model: ModelHash): Promise<boolean> {
    const { clock, learn } = this.#components
    this.#isSpent = !this.#rate.take()
    if (this.#isSpent) return false
    const late = (): Error => new InfernetError('models.nobody-left')
    try {
      await withDeadline(clock, millis(LOOK_UP_MS), late, (signal) => learn(model, { signal }))
      return true
    } catch (thrown) {
      const why = hasCode(thrown, 'models.unsupported') ? 'unusable' : 'withheld'
      const [oldest] = this.#missed.keys()
      if (oldest !== undefined && this.#missed.size >= MAX_MISSED) this.#missed.delete(oldest)
      this.#missed.set(model, { why, at: clock.monotonic() })
      return false
    }
  }

  /** What was not given may be given later; what cannot be used stays so. */
  #missOf(model: ModelHash): Missed | undefined {
    const missed = this.#missed.get(model)
    const isOver = missed?.why === 'withheld' && this.#components.clock.monotonic() - missed.at >= SHUN_MS
    return isOver ? undefined : missed?.why
  }

  /** Those that may be looked up, the best first. */
  #ranked(): ModelHash[] {
    const { session, random } = this.#components
    return ranked(votesFor(session), random).filter((model) => !this.#missOf(model))
  }
}
