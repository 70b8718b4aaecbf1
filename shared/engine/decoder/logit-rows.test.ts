import { describe, expect, it } from 'vitest'
import type { OrtTensor } from '../ort-runtime.ts'
import { halfToFloat } from '../score/half.ts'
import { readLogitRows } from './logit-rows.ts'

const tensor = (data: unknown, dims: readonly number[], location = 'cpu'): OrtTensor =>
  ({ data, dims, location }) as unknown as OrtTensor

const readLastRow = async (logits: OrtTensor, vocabSize: number, device: GPUDevice | undefined) => {
  const range = { from: (logits.dims[1] ?? 0) - 1, count: 1 }
  return [...((await readLogitRows(logits, range, vocabSize, device))[0] ?? [])]
}

describe('readLogitRows', () => {
  it('gives rows of any batch and position', async () => {
    const logits = tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2])
    const rows = await readLogitRows(logits, { from: 1, count: 3 }, 2, undefined)
    expect(rows.map((row) => [...row])).toEqual([
      [3, 4],
      [5, 6],
      [7, 8],
    ])
  })

  it('leaves padding of the vocabulary out', async () => {
    const row = await readLastRow(tensor(Float32Array.of(1, 2, 9, 4, 5, 9), [1, 2, 3]), 2, undefined)
    expect(row).toEqual([4, 5])
  })

  it('widens half-precision words', async () => {
    const words = Uint16Array.of(0x3c00, 0xc000, 0x7bff)
    expect(await readLastRow(tensor(words, [1, 1, 3]), 3, undefined)).toEqual([1, -2, 65504])
  })

  it.each([
    ['too few tokens', [1, 2, 3], 4],
    ['no position', [1, 0, 3], 3],
    ['other dimensions', [2, 3], 3],
  ])('refuses %s', async (_, dims, vocabSize) => {
    const reading = readLastRow(tensor(new Float32Array(6), dims), vocabSize, undefined)
    await expect(reading).rejects.toMatchObject({ code: 'engine.bad-logits' })
  })

  it('copies only the last position off the GPU, and frees its staging buffer', async () => {
    const copies: unknown[] = []
    let destroyed = 0
    const source = 'logits buffer'
    const device = {
      createBuffer: ({ size }: { size: number }) => ({
        mapAsync: async () => {},
        getMappedRange: () => Float32Array.of(7, 8, 9).buffer.slice(0, size),
        destroy: () => destroyed++,
      }),
      createCommandEncoder: () => ({
        copyBufferToBuffer: (from: unknown, at: number, _: unknown, to: number, size: number) =>
          copies.push([from, at, to, size]),
        finish: () => 'commands',
      }),
      queue: { submit: () => {} },
    } as unknown as GPUDevice
    const logits = {
      ...tensor(undefined, [1, 5, 3], 'gpu-buffer'),
      gpuBuffer: source,
    } as unknown as OrtTensor
    expect(await readLastRow(logits, 3, device)).toEqual([7, 8, 9])
    expect(copies).toEqual([[source, 4 * 3 * 4, 0, 12]])
    expect(destroyed).toBe(1)
  })
})

describe('halfToFloat', () => {
  it.each([
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x3555, 0.333251953125],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
  ])('reads %d', (half, expected) => {
    expect(halfToFloat(half)).toBe(expected)
  })
})
