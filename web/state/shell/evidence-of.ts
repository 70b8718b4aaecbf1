import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'

/**
 * What a check found as a file that anybody can check without this network.
 *
 * @throws InfernetError `verify.bad-evidence`
 */
export async function evidenceOf(report: CheckReport): Promise<Uint8Array> {
  throw new InfernetError('verify.bad-evidence', { reason: report.by })
}
