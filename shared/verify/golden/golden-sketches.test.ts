import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { epochMillis } from '../../base/units.ts'
import { createEngine } from '../../engine/create-engine.ts'
import type { Engine } from '../../engine/engine.ts'
import { parseGolden, type Golden } from '../../engine/golden.ts'
import { goldenPath } from '../../models/manifest.ts'
import { makePeer, type TestPeer } from '../../testing/peers.ts'
import { readTinyModel, wasmComponents } from '../../testing/tiny-model.ts'

import { MAX_SIGNED_BYTES, sign, signBytes } from '../../wire/signed.ts'
import { classesOf } from './classes-of.ts'
import {
  goldenDistance,
  goldenSketches,
  MAX_GOLDEN_LIFE_MS,
  openGolden,
  signGolden,
  type GoldenSketches,
} from './golden-sketches.ts'

const start = 1_800_000_000_000
const build = 'onnxruntime-web 1.30.0'

async function tiny(dtype: 'fp32' | 'q4'): Promise<{ engine: Engine; golden: Golden }> {
  const { files, manifest } = await readTinyModel(dtype)
  const engine = await createEngine(await wasmComponents(files), { manifest })
  const path = goldenPath(dtype)
  return { engine, golden: parseGolden(await files.read(path), path) }
}

describe('golden sketches', () => {
  let provider: TestPeer
  let exact: GoldenSketches
  let coarse: GoldenSketches

  beforeAll(async () => {
    provider = await makePeer()
    const [fp32, q4] = [await tiny('fp32'), await tiny('q4')]
    const recordOf = async (engine: Engine): Promise<GoldenSketches> => ({
      model: fp32.engine.info.model,
      class: { backend: 'wasm', adapter: 'cpu', build },
      sketches: (await goldenSketches(engine, fp32.golden))!,
      ...{ at: epochMillis(start), expiresAt: epochMillis(start + 1000) },
    })
    exact = await recordOf(fp32.engine)
    // The cheat: 4-bit weights under the name of the 32-bit model.
    coarse = await recordOf(q4.engine)
    const again = await goldenSketches(fp32.engine, fp32.golden)
    expect(again).toEqual(exact.sketches)
    expect(await goldenSketches(fp32.engine, undefined)).toBeUndefined()
    await Promise.all([fp32.engine.close(), q4.engine.close()])
  })

  it('are signed, fit a signed body, and come back as they were', async () => {
    const signed = await signGolden(exact, provider.key)
    expect(signed.body.length).toBeLessThan(MAX_SIGNED_BYTES)
    expect(await openGolden(signed, provider.name)).toEqual(exact)
    await expect(openGolden(signed, (await makePeer()).name)).rejects.toMatchObject({
      code: 'wire.bad-signature',
    })
  })

  it('show what machines say of themselves or not', () => {
    expect(goldenDistance(exact, exact)).toMatchObject({ mean: 0, largest: 0 })
    expect(goldenDistance(exact, coarse)?.mean).toBeGreaterThan(0.1)
    const [a, b, c] = ['a', 'b', 'c'].map((name) => name as TestPeer['name'])
    const lying = { ...exact, class: { backend: 'webgpu', adapter: 'nvidia ampere', build } } as const
    const classes = classesOf([
      { provider: a!, golden: exact },
      { provider: b!, golden: coarse },
      { provider: c!, golden: lying },
    ])
    expect(classes.map(({ members }) => members)).toEqual([[a, c], [b]])
    expect(classes[0]?.said).toEqual(['wasm cpu', 'webgpu nvidia ampere'])
    const one = classesOf(
      [
        { provider: a!, golden: exact },
        { provider: b!, golden: coarse },
      ],
      { within: 10 },
    )
    expect(one.map(({ members }) => members)).toEqual([[a, b]])
    expect(classesOf([])).toEqual([])
  })

  it('of another model, or of other answers, are not compared', () => {
    expect(goldenDistance(exact, { ...exact, sketches: exact.sketches.subarray(16) })).toBeUndefined()
    const model = 'ab'.repeat(32) as GoldenSketches['model']
    expect(goldenDistance(exact, { ...exact, model })).toBeUndefined()
  })

  it.each<[string, Partial<GoldenSketches>]>([
    ['ends before it begins', { expiresAt: epochMillis(start) }],
    ['lives for weeks', { expiresAt: epochMillis(start + MAX_GOLDEN_LIFE_MS + 1) }],
  ])('are refused in a record that %s', async (_, changes) => {
    const signed = await signGolden({ ...exact, ...changes }, provider.key)
    await expect(openGolden(signed, provider.name)).rejects.toMatchObject({ code: 'verify.bad-golden' })
  })

  it('are refused without sketches, with half a one, and with too many', async () => {
    for (const length of [0, 24, 129 * 16]) {
      const signed = await signGolden({ ...exact, sketches: new Uint16Array(length) }, provider.key)
      await expect(openGolden(signed, provider.name)).rejects.toMatchObject({ code: 'wire.malformed' })
    }
  })

  it('are read or refused with a code, whatever was signed', async () => {
    const { body } = await signGolden(exact, provider.key)
    const inputs = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(body.length - 1), fc.nat(255)).map(([at, byte]) => body.with(at, byte)),
      fc.nat(body.length).map((end) => body.slice(0, end)),
    )
    await fc.assert(
      fc.asyncProperty(inputs, async (bytes) => {
        const signature = await signBytes('golden-sketches', bytes, provider.key)
        const read = await openGolden({ body: bytes, signature }, provider.name).catch((thrown: unknown) => {
          expect(thrown).toMatchObject({
            code: expect.stringMatching(/^(wire.malformed|verify.bad-golden)$/) as string,
          })
        })
        if (read) expect(Number.isFinite(goldenDistance(read, exact)?.mean ?? 0)).toBe(true)
      }),
      { numRuns: 200 },
    )
    await expect(
      openGolden(await sign('golden-sketches', { ...exact, more: 1 }, provider.key), provider.name),
    ).rejects.toMatchObject({ code: 'wire.malformed' })
  })
})
