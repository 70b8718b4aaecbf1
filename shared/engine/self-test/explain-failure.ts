import { raceSignal } from '../../base/wait.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import type { Gpu, OrtRuntime } from '../ort-runtime.ts'
import { checkOperators, wrongOperators } from './check-operators.ts'

/** Enough to tell a driver's fault from another; the error's facts are short. */
const MAX_NAMED = 3

interface Parts {
  readonly ort: OrtRuntime
  readonly gpu: Gpu | undefined
  readonly now: () => number
}
interface Options {
  readonly signal?: AbortSignal | undefined
}

/**
 * A failed self-test with the operators that are to blame, where the check of each one alone finds any. Everything else
 * comes back as it is.
 */
export async function explainFailure(
  error: unknown,
  { ort, gpu, now }: Parts,
  { signal }: Options = {},
): Promise<unknown> {
  if (!gpu || !hasCode(error, 'engine.self-test-failed')) return error
  const operators = await namesOfWrong({ ort, gpu, now }, signal).catch(() => '')
  return operators === ''
    ? error
    : new InfernetError('engine.self-test-failed', { ...error.facts, operators }, { cause: error })
}

/**
 * Proves every operator of a GPU that computes with `subgroups`, which some operators do wrongly. A few right tokens are
 * too little for it: whether a wrong kernel is used at all hangs on lengths and layouts that golden prompts do not try.
 *
 * @throws InfernetError `engine.self-test-failed` with the operators, `engine.device-lost`; what ORT throws on wasm, or
 *   the signal's reason
 */
export async function proveSubgroups({ ort, gpu, now }: Parts, { signal }: Options = {}): Promise<void> {
  if (!gpu?.device.features.has('subgroups')) return
  const operators = await namesOfWrong({ ort, gpu, now }, signal)
  if (operators !== '') throw new InfernetError('engine.self-test-failed', { operators })
}

/** Empty when all are right. */
async function namesOfWrong(
  parts: Parts & { readonly gpu: Gpu },
  signal: AbortSignal | undefined,
): Promise<string> {
  // A lost device may leave a run hanging for ever.
  const gone = new AbortController()
  void parts.gpu.device.lost.then(({ message }) =>
    gone.abort(new InfernetError('engine.device-lost', {}, { cause: new Error(message) })),
  )
  const either = AbortSignal.any([gone.signal, ...(signal ? [signal] : [])])
  const reports = await raceSignal(checkOperators(parts, { signal: either }), either)
  return wrongOperators(reports).slice(0, MAX_NAMED).join(', ')
}
