import { jobId } from '#shared/base/ids.ts'
import { baseUnits, epochMillis } from '#shared/base/units.ts'
import type { CheckEvent, CheckReport } from '#shared/peer/check-events.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { Verdict } from '#shared/verify/verdict.ts'
import type { JobCheck } from '../ask/check-record.ts'
import type { CheckHow } from '../ask/check-service.ts'
import { named, TINY } from './samples.ts'

/** A verdict about forty tokens that a verifier agrees with, unless said otherwise. */
export function verdictOf(change: Partial<Verdict> = {}): Verdict {
  return {
    jobId: jobId('01'.repeat(16)),
    provider: named('aaaaaa'),
    model: TINY,
    head: new Uint8Array(32).fill(1),
    outcome: 'agrees',
    reason: undefined,
    difference: undefined,
    findings: {
      tokens: 40,
      margins: [40, 0, 0, 0],
      largestMargin: 0,
      meanMargin: 0,
      opened: 40,
      sketchDistance: 0.0021,
      largestSketchDistance: 0.0064,
    },
    class: { backend: 'wasm', adapter: 'cpu', build: 'onnxruntime-web 1.30.0' },
    envelope: new Uint8Array(32).fill(2),
    commitment: new Uint8Array(32).fill(3),
    cost: baseUnits(0n),
    at: epochMillis(1_800_000_000_000),
    ...change,
  }
}

export interface CheckOf extends Partial<Verdict> {
  readonly by?: 'self' | 'peer'
  readonly verifier?: string
  readonly from?: number
  readonly tokens?: number
}

/** What a check of one job found, kept with its turn. */
export function checkOf({
  by = 'peer',
  verifier = 'bbbbbb',
  from = 0,
  tokens = 40,
  ...change
}: CheckOf = {}): JobCheck {
  const verdict = verdictOf(change)
  const signatures = { provider: new Uint8Array(64).fill(4), verifier: new Uint8Array(64).fill(5) }
  return {
    ...{ jobId: verdict.jobId, provider: verdict.provider, from, tokens, at: verdict.at },
    found: { by, verifier: named(verifier), verdict, cost: verdict.cost, signatures },
  }
}

export function transcriptOf(tail: string, job = '01'): Transcript {
  return { jobId: jobId(job.repeat(16)), provider: named(tail) } as unknown as Transcript
}

/** What a check comes to that finds this. */
function reportOf(transcript: Transcript, how: CheckHow, change: Partial<Verdict> = {}): CheckReport {
  const verdict = verdictOf({ jobId: transcript.jobId, provider: transcript.provider, ...change })
  return {
    ...{ jobId: transcript.jobId, provider: transcript.provider, by: how.by },
    verifier: how.by === 'self' ? named('myself') : named('bbbbbb'),
    verdict,
    signed: { body: new Uint8Array([1]), signature: new Uint8Array(64).fill(5) },
    ...{
      own: new Uint16Array(16),
      salt: new Uint8Array(32),
      shown: 'opened' as const,
      openings: [],
      transcript,
      evidence: new Uint8Array([7]),
    },
    ...{ cost: verdict.cost, spent: verdict.cost },
  }
}

/** Goes through all the steps of a check, and finds this. */
export async function* checking(
  transcript: Transcript,
  how: CheckHow,
  change: Partial<Verdict> = {},
): AsyncGenerator<CheckEvent, CheckReport, void> {
  const report = reportOf(transcript, how, change)
  const { verifier } = report
  yield { type: 'searching', attempt: 1 }
  yield { type: 'asked', verifier, backend: 'wasm', cost: report.cost }
  yield { type: 'reading', verifier }
  yield { type: 'opening', verifier }
  yield { type: 'done', report }
  return report
}
