import type { Gpu, OrtRuntime, OrtSession, OrtTensor } from '../ort-runtime.ts'
import { operatorCases, type Operand, type OperatorCase } from './operator-cases.ts'

/** How far one operator on the GPU is from the same on wasm. */
export interface OperatorReport {
  readonly operator: string
  readonly variant: string
  /** The largest absolute difference; Infinity when it did not run, or gave no numbers. */
  readonly maxDiff: number
  /** What is still right here: kernels add in different orders. */
  readonly limit: number
}

/**
 * Right kernels were seen to differ by 1e-4 at most (MatMulNBits), wrong ones by 0.2 and more (attention with
 * subgroups on small subgroups), on values around 1.
 */
const RELATIVE_LIMIT = 2e-3

/** Somebody waits for the processor to take over. */
const LIMIT_MS = 30_000

/**
 * Runs each operator of a language model on wasm and on the GPU and compares: it tells which kernel is wrong where the
 * golden tokens only tell that something is.
 *
 * Takes a second on a GPU, minutes on software rendering, where each shader is compiled slowly: then it ends early.
 *
 * @param now monotonic milliseconds
 * @param options.only the one operator to look at; all of them when it is left out
 * @throws what ORT throws on wasm, or the signal's reason
 */
export async function checkOperators(
  { ort, gpu, now }: { readonly ort: OrtRuntime; readonly gpu: Gpu; readonly now: () => number },
  { signal, only }: { signal?: AbortSignal | undefined; only?: string | undefined } = {},
): Promise<readonly OperatorReport[]> {
  const reports: OperatorReport[] = []
  const end = now() + LIMIT_MS
  for (const each of operatorCases()) {
    if (only !== undefined && each.operator !== only) continue
    signal?.throwIfAborted()
    if (now() > end) break
    const expected = await runOn(ort, each, ['wasm'])
    const got = await runOn(ort, each, [{ name: 'webgpu', device: gpu.device }]).catch(() => undefined)
    const { operator, variant } = each
    const limit = RELATIVE_LIMIT * Math.max(1, largest(expected))
    reports.push({ operator, variant, limit, maxDiff: got ? difference(expected, got) : Infinity })
  }
  return reports
}

/** The operators that are wrong, each once, in the order of a model. */
export function wrongOperators(reports: readonly OperatorReport[]): readonly string[] {
  const wrong = reports.filter(({ maxDiff, limit }) => !(maxDiff <= limit))
  return [...new Set(wrong.map(({ operator }) => operator))]
}

type Providers = Parameters<OrtRuntime['InferenceSession']['create']>[1]
type Outputs = readonly Float32Array[]

async function runOn(
  ort: OrtRuntime,
  { model, feeds }: OperatorCase,
  executionProviders: NonNullable<NonNullable<Providers>['executionProviders']>,
): Promise<Outputs> {
  const session = await ort.InferenceSession.create(model, { executionProviders, logSeverityLevel: 4 })
  try {
    const given = Object.entries(feeds).map(([name, operand]) => [name, tensorOf(ort, operand)] as const)
    const results = await session.run(Object.fromEntries(given))
    return readAll(session, results)
  } finally {
    await session.release()
  }
}

function tensorOf(ort: OrtRuntime, { data, dims }: Operand): OrtTensor {
  if (data instanceof Float32Array) return new ort.Tensor('float32', data, dims)
  return data instanceof Int32Array
    ? new ort.Tensor('int32', data, dims)
    : new ort.Tensor('int64', data, dims)
}

function readAll(session: OrtSession, results: Readonly<Record<string, OrtTensor>>): Outputs {
  return session.outputNames.map((name) => Float32Array.from((results[name]?.data ?? []) as Float32Array))
}

function largest(outputs: Outputs): number {
  return Math.max(
    ...outputs.map((values) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0)),
  )
}

function difference(expected: Outputs, got: Outputs): number {
  let max = 0
  for (const [i, values] of expected.entries()) {
    const others = got[i]
    if (others?.length !== values.length) return Infinity
    for (const [j, value] of values.entries()) {
      const diff = Math.abs(value - (others[j] ?? NaN))
      // A NaN is no number, and Math.max would only keep it by luck.
      if (!(diff <= Number.MAX_VALUE)) return Infinity
      max = Math.max(max, diff)
    }
  }
  return max
}
