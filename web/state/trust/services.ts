import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { Outcome, Verdict, VerifierClass } from '#shared/verify/verdict.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import type { SessionServices } from '../session/services.ts'

export type OutcomeCount = Readonly<Record<Outcome, number>>

/** Checks of the last day, by relays' word: of all verifiers, and of those alone who had stake. */
export interface CheckCount {
  readonly all: OutcomeCount
  readonly staked: OutcomeCount
}

/** What works for a provider's operator, by the word of most relays. */
export interface StakeSaid {
  readonly operator: string
  readonly stake: bigint
}

/** A machine that has published what it makes of a model's golden prompts. */
export interface Machine {
  readonly provider: PeerName
  /** By its own word; what its sketches show decides its class. */
  readonly says: Pick<VerifierClass, 'backend' | 'adapter' | 'build'>
  readonly at: number
  readonly staked: StakeSaid | undefined
}

/** Machines of one model as classes: those of a class give the same sketches, as near as can be. */
export interface MachineMap {
  readonly classes: readonly (readonly Machine[])[]
  /**
   * Root mean square distance of their sketches in logits, class by class; on the diagonal the largest within one.
   * Undefined where there is none.
   */
  readonly distances: readonly (readonly (number | undefined)[])[]
}

/** A verdict whose signature is right; whether its numbers are is not known. */
export interface ToldVerdict {
  readonly verifier: PeerName
  readonly verdict: Verdict
  readonly staked: StakeSaid | undefined
}

/** Why a provider is asked as often as it is: a code and what it was made from. The page has the words. */
export interface StandingReason {
  readonly code: string
  readonly facts: Readonly<Record<string, string | number>>
}

interface Options {
  readonly signal: AbortSignal
}

/** What is known of who can be trusted. */
export interface TrustHome {
  /** Undefined where no relay says anything. */
  counts(options: Options): Promise<CheckCount | undefined>
  /** Of these providers, as far as they have published anything. */
  machines(
    model: ModelHash,
    options: Options & { readonly providers: readonly PeerName[] },
  ): Promise<MachineMap>
  /** The last verdicts about a provider, the newest first. */
  verdictsAbout(provider: PeerName, options: Options): Promise<readonly ToldVerdict[]>
  /** Why this tab asks a provider as often as it does, the most important first. */
  explain(provider: PeerName): readonly StandingReason[]
}

export interface TrustServices extends SessionServices {
  /** Undefined where this page cannot ask for it. */
  trustOf(mesh: Mesh): Promise<TrustHome | undefined>
}
