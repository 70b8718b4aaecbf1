import { describe, expect, it } from 'vitest'
import { baseUnits } from '../base/units.ts'
import type { Manifest } from '../models/manifest.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { computeUnitsOf, listPriceOf, priceOfUnits } from './compute-units.ts'

const GIGABYTE = 1_000_000_000
const milliseconds = (picoseconds: bigint): number => Number(picoseconds) / 1e9

function manifestOf(size: number, changes: Partial<Manifest> = {}): Manifest {
  const weights = 'onnx/model_q4.onnx'
  return {
    format: 'infernet/model/1',
    id: 'some',
    name: 'Some',
    task: 'text-generation',
    dtype: 'q4',
    weights,
    contextLength: 4096,
    vocabSize: 1000,
    files: [
      { path: weights, size, sha256: '0'.repeat(64), pieces: [] },
      { path: 'tokenizer.json', size: 9_000_000, sha256: '0'.repeat(64), pieces: [] },
    ],
    ...changes,
  }
}

describe('compute units', () => {
  // docs/design-notes.md: 1.5B 8.6, 0.5B 2.7, 7B 43 reference-milliseconds a written token.
  it.each([
    [0.86, 8.6],
    [0.27, 2.7],
    [4.3, 43],
  ])('of %f GB of weights are %f ms to write a token', (gigabytes, ms) => {
    const { decode } = computeUnitsOf(manifestOf(gigabytes * GIGABYTE))
    expect(milliseconds(decode)).toBeCloseTo(ms, 6)
  })

  it('to read a token are a twentieth to an eighth of that', async () => {
    const manifests = [manifestOf(GIGABYTE), (await readTinyModel('fp32')).manifest]
    for (const manifest of manifests) {
      const { prefill, decode } = computeUnitsOf(manifest)
      expect(prefill * 8n <= decode).toBe(true)
      expect((prefill + 1n) * 20n > decode).toBe(true)
    }
  })

  it('count the KV cache of a text of usual length, and weights that lie beside the graph', () => {
    const memory = { largestTensorBytes: 1, cacheBytesPerToken: 100_000 }
    const plain = computeUnitsOf(manifestOf(GIGABYTE)).decode
    expect(milliseconds(computeUnitsOf(manifestOf(GIGABYTE, { memory })).decode - plain)).toBeCloseTo(
      1.024,
      6,
    )
    const split = manifestOf(GIGABYTE)
    const data = { ...split.files[0]!, path: 'onnx/model_q4.onnx_data', size: GIGABYTE }
    expect(computeUnitsOf({ ...split, files: [...split.files, data] }).decode).toBe(2n * plain)
  })

  it('are never nothing, so that no model is free by rounding', () => {
    const units = computeUnitsOf(manifestOf(1))
    expect(units.decode).toBeGreaterThan(0n)
    const price = priceOfUnits(units, baseUnits(1n))
    expect(price).toEqual({ promptPerMillion: 1n, outputPerMillion: 1n })
  })

  it('give prices that are rounded up to the next base unit and no further', () => {
    const units = { prefill: 100_000_000n, decode: 1_500_000_001n }
    expect(priceOfUnits(units, baseUnits(10n))).toEqual({ promptPerMillion: 1n, outputPerMillion: 16n })
    expect(priceOfUnits(units, baseUnits(0n))).toEqual({ promptPerMillion: 0n, outputPerMillion: 0n })
  })

  it('make the list price: an INF for a thousand seconds of the reference machine', async () => {
    const inf = 10n ** 18n
    expect(listPriceOf(manifestOf(0.86 * GIGABYTE)).outputPerMillion).toBe((86n * inf) / 10n)
    const { outputPerMillion, promptPerMillion } = listPriceOf((await readTinyModel('fp32')).manifest)
    expect(Number(outputPerMillion) / 1e18).toBeCloseTo(0.148, 3)
    expect(Number(outputPerMillion / promptPerMillion)).toBeCloseTo(20, 0)
  })
})
