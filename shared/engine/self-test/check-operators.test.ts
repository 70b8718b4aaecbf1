import { describe, expect, it } from 'vitest'
import { InfernetError } from '../../errors/infernet-error.ts'
import { readTinyModel, wasmComponents } from '../../testing/tiny-model.ts'
import type { Gpu, OrtRuntime } from '../ort-runtime.ts'
import { checkOperators, wrongOperators } from './check-operators.ts'
import { explainFailure, proveSubgroups } from './explain-failure.ts'
import { operatorCases } from './operator-cases.ts'

const { files } = await readTinyModel('fp32')
const { ort } = await wasmComponents(files)
const gpu = { device: {} as GPUDevice, label: 'a gpu' } satisfies Gpu
const now = (): number => performance.now()

/** The real runtime, whose "GPU" is wasm again with a fault in the kernels that `spoil` names. */
function runtimeWith(spoil: (values: Float32Array, operator: string) => void): OrtRuntime {
  const names = operatorCases().map(({ operator }) => operator)
  let cases = -1
  const create = async (model: Uint8Array, options: { executionProviders: readonly unknown[] }) => {
    const isGpu = typeof options.executionProviders[0] === 'object'
    if (!isGpu) cases++
    const operator = names[cases] ?? ''
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      logSeverityLevel: 4,
    })
    if (!isGpu) return session
    return {
      outputNames: session.outputNames,
      release: () => session.release(),
      async run(feeds: Parameters<typeof session.run>[0]) {
        const outputs = await session.run(feeds)
        for (const output of Object.values(outputs)) spoil(output.data as Float32Array, operator)
        return outputs
      },
    }
  }
  return { Tensor: ort.Tensor, InferenceSession: { create } } as unknown as OrtRuntime
}

describe('checkOperators', () => {
  it('finds every operator of a right GPU right', async () => {
    const reports = await checkOperators({ ort: runtimeWith(() => undefined), gpu, now })
    expect(reports.length).toBe(operatorCases().length)
    expect(reports.map(({ maxDiff }) => maxDiff)).toEqual(reports.map(() => 0))
    expect(wrongOperators(reports)).toEqual([])
  })

  it('names each operator that is off by more than the noise between right kernels, once', async () => {
    const spoil = (values: Float32Array, operator: string): void => {
      if (operator === 'GroupQueryAttention') values[3] = (values[3] ?? 0) + 0.04
      if (operator === 'MatMulNBits') values[0] = (values[0] ?? 0) + 1e-4
    }
    const reports = await checkOperators({ ort: runtimeWith(spoil), gpu, now })
    expect(wrongOperators(reports)).toEqual(['GroupQueryAttention'])
    const off = reports.find(({ operator }) => operator === 'MatMulNBits')
    expect(off?.maxDiff).toBeGreaterThan(5e-5)
  })

  it('takes what is no number, and what does not run, for wrong', async () => {
    const spoil = (values: Float32Array, operator: string): void => {
      if (operator === 'Softmax') values[1] = NaN
      if (operator === 'Gather') throw new Error('no such kernel')
    }
    const reports = await checkOperators({ ort: runtimeWith(spoil), gpu, now })
    expect(wrongOperators(reports)).toEqual(['Gather', 'Softmax'])
    expect(reports.filter(({ maxDiff }) => maxDiff === Infinity)).toHaveLength(2)
  })

  it('ends early where compiling takes minutes, with what it knows by then', async () => {
    let at = 0
    const slow = (): number => (at += 8000)
    const reports = await checkOperators({ ort: runtimeWith(() => undefined), gpu, now: slow })
    const attention = 'GroupQueryAttention'
    expect(reports.map(({ operator }) => operator)).toEqual([attention, attention, 'MatMulNBits'])
  })

  it('can be called off', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(checkOperators({ ort, gpu, now }, { signal })).rejects.toThrow('enough')
  })
})

describe('proveSubgroups', () => {
  const withFeatures = (...features: string[]) => ({
    ...gpu,
    device: { features: new Set(features), lost: new Promise(() => undefined) } as unknown as GPUDevice,
  })
  const broken = runtimeWith((values, operator) => {
    if (operator === 'GroupQueryAttention') values.fill(9)
  })

  it('refuses a GPU that computes with subgroups and gets an operator wrong', async () => {
    const proof = proveSubgroups({ ort: broken, gpu: withFeatures('subgroups'), now })
    await expect(proof).rejects.toMatchObject({
      code: 'engine.self-test-failed',
      facts: { operators: 'GroupQueryAttention' },
      message: 'The GPU computes GroupQueryAttention wrongly.',
    })
  })

  it('takes one that is right, and asks nothing of those without subgroups', async () => {
    await proveSubgroups({ ort: runtimeWith(() => undefined), gpu: withFeatures('subgroups'), now })
    await proveSubgroups({ ort: broken, gpu: withFeatures('shader-f16'), now })
    await proveSubgroups({ ort: broken, gpu: undefined, now })
  })
})

describe('explainFailure', () => {
  const failure = new InfernetError('engine.self-test-failed', { wrong: 4, total: 15 })
  const lossless = { ...gpu, device: { lost: new Promise(() => undefined) } as unknown as GPUDevice }

  it('adds the operators that are to blame to a failed self-test', async () => {
    const broken = runtimeWith((values) => values.fill(9))
    const explained = await explainFailure(failure, { ort: broken, gpu: lossless, now })
    expect(explained).toMatchObject({
      code: 'engine.self-test-failed',
      facts: { wrong: 4, total: 15, operators: 'GroupQueryAttention, MatMulNBits, Gather' },
      message: 'The self-test got 4 of 15 tokens wrong (GroupQueryAttention, MatMulNBits, Gather).',
    })
  })

  it('leaves it alone when every operator is right by itself', async () => {
    const right = runtimeWith(() => undefined)
    expect(await explainFailure(failure, { ort: right, gpu: lossless, now })).toBe(failure)
  })

  it('leaves everything else alone', async () => {
    const other = new InfernetError('engine.device-lost')
    expect(await explainFailure(other, { ort, gpu, now })).toBe(other)
    expect(await explainFailure(failure, { ort, gpu: undefined, now })).toBe(failure)
  })
  it('does not wait for a device that is gone', async () => {
    const lost = { ...gpu, device: { lost: Promise.resolve({ message: 'gone' }) } as unknown as GPUDevice }
    const InferenceSession = { create: () => new Promise(() => undefined) }
    const hanging = { ...ort, InferenceSession } as unknown as OrtRuntime
    expect(await explainFailure(failure, { ort: hanging, gpu: lost, now })).toBe(failure)
  })
})
