import { raceSignal } from '../../base/wait.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import type { Gpu, OrtRuntime } from '../ort-runtime.ts'
import { checkOperators, wrongOperators } from './check-operators.ts'

/** Enough to tell a driver's fault from another; the error's facts are short. */
const MAX_NAMED = 3

/**
 * A failed self-test with the operators that are to blame, where the check of each one alone finds any. Everything else
 * comes back as it is.
 */
export async function explainFailure(
  error: unknown,
  parts: { readonly ort: OrtRuntime; readonly gpu: Gpu | undefined; readonly now: () => number },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<unknown> {
  const { ort, gpu, now } = parts
  if (!gpu || !hasCode(error, 'engine.self-test-failed')) return error
  // A lost device may leave a run hanging for ever.
  const gone = new AbortController()
  void gpu.device.lost.then(() => gone.abort(error))
  const either = AbortSignal.any([gone.signal, ...(signal ? [signal] : [])])
  const checking = checkOperators({ ort, gpu, now }, { signal: either })
  const wrong = wrongOperators(await raceSignal(checking, either).catch(() => []))
  if (wrong.length === 0) return error
  const operators = wrong.slice(0, MAX_NAMED).join(', ')
  return new InfernetError('engine.self-test-failed', { ...error.facts, operators }, { cause: error })
}
