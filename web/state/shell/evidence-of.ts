import type { CheckReport } from '#shared/peer/check-events.ts'
import { encodeEvidence } from '#shared/verify/evidence/evidence.ts'

/** What a check found as a file that anybody can check without this network. */
export async function evidenceOf(report: CheckReport): Promise<Uint8Array> {
  const { transcript, openings, verifier, signed, own, salt } = report
  const opened = openings.length > 0 ? openings : undefined
  return encodeEvidence({ transcript, openings: opened, verifier, verdict: signed, own, salt })
}
