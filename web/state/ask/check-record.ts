import type { JobId, PeerName } from '#shared/base/ids.ts'
import type { Outcome, Verdict } from '#shared/verify/verdict.ts'
import type { CheckedBy } from './check-service.ts'

/**
 * Why an answer is checked that nobody pressed the button for: `share`, one of those that the visitor has checked always;
 * `wanted`: somebody says that its provider cheats, or an earlier check did.
 */
export type CheckCause = 'share' | 'wanted'

/** What a check found of one job of an answer, kept with its turn: plain data. */
export interface JobCheck {
  readonly jobId: JobId
  readonly provider: PeerName
  /** Position in the answer of the job's first token. */
  readonly from: number
  /** Signed tokens of the job. */
  readonly tokens: number
  readonly at: number
  /** @default the visitor pressed */
  readonly cause?: CheckCause | undefined
  /** Undefined where nothing can be checked: the provider signed no sketches. */
  readonly found: FoundCheck | undefined
}

export interface FoundCheck {
  readonly by: CheckedBy
  readonly verifier: PeerName
  readonly verdict: Verdict
  readonly cost: bigint
  /** Of the provider under its last block, and of the verifier under the verdict. */
  readonly signatures: { readonly provider: Uint8Array; readonly verifier: Uint8Array }
}

/** More are not kept of one answer: the oldest go. @internal */
export const MAX_CHECKS_PER_TURN = 24

/** What an answer comes to. `none`: not checked, or a part of it was not. */
export type MarkOutcome = Outcome | 'uncheckable' | 'none'

/** The worst first. */
const ORDER: readonly MarkOutcome[] = ['differs', 'inconclusive', 'uncheckable', 'none', 'agrees']

/** Those of the text: of two that parted, the other one's part is in no word of it. */
export function checksOfText(
  checks: readonly JobCheck[] | undefined,
  answer: AnswerParts,
): readonly JobCheck[] {
  if (!checks || !answer.comparison?.parted) return checks ?? []
  const writers = answer.segments.map(({ provider }) => provider)
  return checks.filter(({ provider }) => writers.includes(provider))
}

interface AnswerParts {
  readonly segments: readonly { readonly provider: PeerName }[]
  readonly comparison?: { readonly parted?: unknown } | undefined
}

/**
 * What the checks of an answer come to: each job by itself, and the worst of them. A part that was signed and never
 * checked leaves the answer unchecked.
 *
 * @param signedTokens of the whole answer
 */
export function markOf(checks: readonly JobCheck[] | undefined, signedTokens: number): MarkOutcome {
  if (!checks || checks.length === 0) return 'none'
  const jobs = byJob(checks)
  const checked = jobs.reduce((sum, { tokens }) => sum + tokens, 0)
  const found = jobs.map(({ outcome }) => outcome)
  const all: MarkOutcome[] = checked < signedTokens ? [...found, 'none'] : found
  return ORDER.find((each) => all.includes(each)) ?? 'none'
}

export interface JobMark {
  readonly jobId: JobId
  readonly provider: PeerName
  readonly from: number
  readonly tokens: number
  readonly outcome: Exclude<MarkOutcome, 'none'>
  /** The newest first. */
  readonly checks: readonly JobCheck[]
}

/** The checks of each job, in the order of the answer. */
export function byJob(checks: readonly JobCheck[]): readonly JobMark[] {
  const ids = [...new Set(checks.map(({ jobId }) => jobId))]
  return ids
    .flatMap((id) => {
      const own = checks.filter(({ jobId }) => jobId === id).toSorted((a, b) => b.at - a.at)
      const [newest] = own
      if (!newest) return []
      const { jobId, provider, from, tokens } = newest
      return [{ jobId, provider, from, tokens, outcome: outcomeOf(own), checks: own }]
    })
    .toSorted((a, b) => a.from - b.from)
}

/**
 * What several checks of one job come to. This tab's own word counts before a stranger's; among strangers one that differs
 * counts before those that agree; and what accuses or clears nobody counts last.
 */
function outcomeOf(checks: readonly JobCheck[]): JobMark['outcome'] {
  const outcomes = (by: CheckedBy): readonly Outcome[] =>
    checks.flatMap(({ found }) => (found?.by === by ? [found.verdict.outcome] : []))
  const own = outcomes('self').find((each) => each !== 'inconclusive')
  if (own) return own
  const told = outcomes('peer')
  if (told.includes('differs')) return 'differs'
  if (told.includes('agrees')) return 'agrees'
  return checks.some(({ found }) => found) ? 'inconclusive' : 'uncheckable'
}

/** A check beside those before it. */
export function withCheck(checks: readonly JobCheck[] | undefined, check: JobCheck): readonly JobCheck[] {
  const others = (checks ?? []).filter(
    ({ jobId, found }) =>
      jobId !== check.jobId || (found !== undefined && found.verifier !== check.found?.verifier),
  )
  return [...others, check].slice(-MAX_CHECKS_PER_TURN)
}
