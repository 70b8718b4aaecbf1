import { ChangeEmitter } from '../base/change-emitter.ts'
import type { StandingState } from '../engine/engine-keeper.ts'
import type { StandingEngine } from '../engine/standing-engine.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import { FREE_PRICE } from '../prompt/free-price.ts'
import type { Price } from '../prompt/prompt.ts'
import type { OfferedSelfTest } from '../schedule/offer.ts'
import { WRITING } from '../models/task.ts'
import type { Screen } from '../stream/screen.ts'
import type { Accusation } from './accusation.ts'
import type { ModelPlace, Payee, Peer, ProviderTerms, Provision } from './peer.ts'

/** How a loaded engine is provided. */
export interface ModelTerms {
  /** How it is paid. @default it is not */
  readonly payee?: Payee | undefined
  /** What it asks for where it is paid; without a payee it asks for nothing. @default nothing */
  readonly price?: Price | undefined
  /** Where the model is between jobs. @default on the GPU */
  readonly place?: ModelPlace | undefined
  /** Says which texts are not wanted here. @default all are */
  readonly screen?: Screen | undefined
  /** How much of the time the engine may compute, (0, 1]; read at each offer and quote. @default 1 */
  readonly share?: number
  /** Whether its GPU computes with the `subgroups` feature; read at each renewal. @default the offer does not say */
  readonly subgroups?: boolean | undefined
}

/** Why an engine takes no new prompts: it is being started again, or tests itself. */
export type EngineReason = 'restart' | 'self-test'

/** An engine that is being started again, and for which time. */
export type Restart = Extract<StandingState, { stage: 'restarting' }>

/** An engine that is being provided, and why it takes no new prompts when it does not. */
export interface ProvidedModel<Reason extends string = never> {
  readonly provision: Provision
  /** Why no new prompts are taken, the oldest reason first. */
  readonly reasons: readonly (Reason | EngineReason)[]
  readonly restart: Restart | undefined
  /** Why the engine could not be started again, or that it failed a later self-test; the provision ends with that. */
  readonly failure: InfernetError | undefined
  /** The last time somebody said that an answer differs, and what came of that. */
  readonly accusation: Accusation | undefined
  /** Pauses for this reason, or lets it go. It goes on when no reason is left. Does nothing while draining or ended. */
  setReason(reason: Reason, on: boolean): void
  /** Takes no new prompts, lets the running ones end, then ends. The engine stays its owner's. Never throws. */
  drain(): Promise<void>
  /** Ends at once: running answers move to other providers. The engine stays its owner's. Never throws. */
  stop(): Promise<void>
  /** Calls back after each change of anything above. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

/**
 * Provides a loaded engine: announces it with its newest self-test, and pauses for as long as there is a reason to.
 *
 * @throws InfernetError `engine.self-test-failed`; `stream.busy` when the peer provides that model already
 */
export function provideModel<Reason extends string = never>(
  peer: Pick<Peer, 'provide'>,
  engine: StandingEngine,
  terms: ModelTerms = {},
): ProvidedModel<Reason> {
  const hold = (): (() => void) => {
    setReason('self-test', true)
    return () => setReason('self-test', false)
  }
  const provision = peer.provide(engine, termsOf(engine, terms, hold))
  const changes = new ChangeEmitter()
  let reasons: readonly (Reason | EngineReason)[] = []

  function setReason(reason: Reason | EngineReason, on: boolean): void {
    if (provision.state !== 'live' && provision.state !== 'paused') return
    if (on === reasons.includes(reason)) return
    reasons = on ? [...reasons, reason] : reasons.filter((each) => each !== reason)
    if (reasons.length > 0 && provision.state === 'live') provision.pause()
    if (reasons.length === 0 && provision.state === 'paused') provision.resume()
    changes.emit()
  }

  function followEngine(): void {
    const { stage } = engine.state
    // Running answers wait for the next engine; nobody new is invited meanwhile. One that ended ends the provision.
    if (stage !== 'ended') setReason('restart', stage === 'restarting')
    changes.emit()
  }

  const stopListening = [provision.onChange(() => changes.emit()), engine.onChange(followEngine)]
  followEngine()
  const end = (): void => stopListening.forEach((stop) => stop())

  return {
    provision,
    get reasons() {
      return reasons
    },
    get restart() {
      return engine.state.stage === 'restarting' ? engine.state : undefined
    },
    get failure() {
      return failureOf(engine)
    },
    get accusation() {
      return withFailure(provision.accusation, failureOf(engine))
    },
    setReason,
    async drain() {
      await provision.drain().catch(() => undefined)
      end()
    },
    async stop() {
      end()
      if (provision.state !== 'ended') await provision.stop().catch(() => undefined)
    },
    onChange: (callback) => changes.listen(callback),
  }
}

function failureOf({ state }: StandingEngine): InfernetError | undefined {
  return state.stage === 'ended' ? state.reason : undefined
}

/** The engine says that it failed before who ordered the test does. */
function withFailure(
  accusation: Accusation | undefined,
  failure: InfernetError | undefined,
): Accusation | undefined {
  const hasFailed = accusation?.state.stage === 'testing' && failure?.code === 'engine.self-test-failed'
  return hasFailed ? { ...accusation, state: { stage: 'failed', reason: failure } } : accusation
}

function termsOf(engine: StandingEngine, terms: ModelTerms, hold: () => () => void): ProviderTerms {
  const { payee, price = FREE_PRICE } = terms
  return {
    // A price that nobody could pay is none: without a wallet, or a chain, it is provided for nothing.
    price: payee ? price : FREE_PRICE,
    payee,
    place: terms.place,
    screen: terms.screen,
    golden: () => engine.selfTest.golden,
    get share() {
      return terms.share ?? 1
    },
    get selfTest() {
      return offeredTest(engine, terms.subgroups)
    },
    selfTestDesk: {
      // Where a model brings no golden prompts a test would show nothing.
      get isAble() {
        return engine.info.task === WRITING && engine.selfTest.total > 0
      },
      hold,
      run: (options) => engine.testAgain(options),
    },
  }
}

/** What goes into the signed offer of the newest engine's self-test. */
function offeredTest(engine: StandingEngine, subgroups: boolean | undefined): OfferedSelfTest {
  const { selfTest, testedAt, info } = engine
  const { right, total } = selfTest
  const hasGpu = info.backend === 'webgpu'
  return { right, total, testedAt, ...(hasGpu && subgroups !== undefined ? { subgroups } : {}) }
}
