import type { PeerName } from '#shared/base/ids.ts'
import { OUTCOMES, type Outcome } from '#shared/verify/verdict.ts'
import type { Conversation } from '../ask/conversation.ts'
import type { OutcomeCount, StakeSaid, ToldVerdict } from './services.ts'

/** What this browser's own conversations show of a provider. */
export interface OwnRecord {
  /** Parts of answers that it wrote. */
  readonly jobs: number
  readonly tokens: number
  /** Answers that it left in the middle. */
  readonly left: number
  /** Of its work by checks that this browser had made. */
  readonly checks: OutcomeCount
  /** By the newest answer that it wrote. */
  readonly lastAt: number | undefined
}

export function ownRecordOf(name: PeerName, conversations: readonly Conversation[]): OwnRecord {
  let [jobs, tokens, left] = [0, 0, 0]
  let lastAt: number | undefined
  const checks = nothing()
  for (const { turns, updatedAt } of conversations) {
    for (const { answer, checks: made = [] } of turns) {
      const parts = answer.segments.filter((segment) => segment.provider === name && segment.tokens > 0)
      jobs += parts.length
      tokens += parts.reduce((sum, part) => sum + part.tokens, 0)
      if (parts.length > 0 && updatedAt > (lastAt ?? 0)) lastAt = updatedAt
      left += answer.pieces.filter(({ seam }) => seam?.lost === name && !seam.isResumed).length
      for (const { provider, found } of made) if (found && provider === name) checks[found.verdict.outcome]++
    }
  }
  return { jobs, tokens, left, checks, lastAt }
}

export interface ToldRecord {
  readonly checks: OutcomeCount
  /** Of verifiers with stake alone. */
  readonly staked: OutcomeCount
  readonly verifiers: number
  readonly lastAt: number | undefined
}

export function toldRecordOf(verdicts: readonly ToldVerdict[]): ToldRecord {
  const count = (some: readonly ToldVerdict[]): OutcomeCount => {
    const sum = nothing()
    for (const { verdict } of some) sum[verdict.outcome]++
    return sum
  }
  return {
    checks: count(verdicts),
    staked: count(verdicts.filter(({ staked }) => staked)),
    verifiers: new Set(verdicts.map(({ verifier }) => verifier)).size,
    lastAt: verdicts.length > 0 ? Math.max(...verdicts.map(({ verdict }) => verdict.at)) : undefined,
  }
}

/** The least of what is said, so that one relay cannot raise it. */
export function stakeSaidOf(said: readonly (StakeSaid | undefined)[]): StakeSaid | undefined {
  return said.reduce(
    (least, each) => (!least || (each && each.stake < least.stake) ? each : least),
    undefined,
  )
}

function nothing(): Record<Outcome, number> {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>
}
