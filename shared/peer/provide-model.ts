import { ChangeEmitter } from '../base/change-emitter.ts'
import type { StandingState } from '../engine/engine-keeper.ts'
import type { StandingEngine } from '../engine/standing-engine.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import { FREE_PRICE } from '../prompt/free-price.ts'
import type { Price } from '../prompt/prompt.ts'
import type { OfferedSelfTest } from '../schedule/offer.ts'
import type { ModelPlace, Payee, Peer, ProviderTerms, Provision } from './peer.ts'

/** How a loaded engine is provided. */
export interface ModelTerms {
  /** How it is paid. @default it is not */
  readonly payee?: Payee | undefined
  /** What it asks for where it is paid; without a payee it asks for nothing. @default nothing */
  readonly price?: Price | undefined
  /** Where the model is between jobs. @default on the GPU */
  readonly place?: ModelPlace | undefined
  /** How much of the time the engine may compute, (0, 1]; read at each offer and quote. @default 1 */
  readonly share?: number
  /** Whether its GPU computes with the `subgroups` feature; read at each renewal. @default the offer does not say */
  readonly subgroups?: boolean | undefined
}

/** An engine that is being started again, and for which time. */
export type Restart = Extract<StandingState, { stage: 'restarting' }>

/** An engine that is being provided, and why it takes no new prompts when it does not. */
export interface ProvidedModel<Reason extends string = never> {
  readonly provision: Provision
  /** Why no new prompts are taken, the oldest reason first; `restart` while the engine is being started again. */
  readonly reasons: readonly (Reason | 'restart')[]
  readonly restart: Restart | undefined
  /** Why the engine could not be started again; the provision ends with that. */
  readonly failure: InfernetError | undefined
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
  const provision = peer.provide(engine, termsOf(engine, terms))
  const changes = new ChangeEmitter()
  let reasons: readonly (Reason | 'restart')[] = []

  function setReason(reason: Reason | 'restart', on: boolean): void {
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
      return engine.state.stage === 'ended' ? engine.state.reason : undefined
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

function termsOf(engine: StandingEngine, terms: ModelTerms): ProviderTerms {
  const { payee, price = FREE_PRICE } = terms
  return {
    // A price that nobody could pay is none: without a wallet, or a chain, it is provided for nothing.
    price: payee ? price : FREE_PRICE,
    payee,
    place: terms.place,
    golden: () => engine.selfTest.golden,
    get share() {
      return terms.share ?? 1
    },
    get selfTest() {
      return offeredTest(engine, terms.subgroups)
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
