import { createHash, webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from './byte-source.ts'
import { loadModel } from './load-model.ts'
import { PIECE_BYTES, type Manifest, type ManifestFile } from './manifest.ts'

const digest: Digest = (bytes) => webcrypto.subtle.digest('SHA-256', bytes)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const contentOf = (size: number, salt: number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * salt + (i >> 8) + (i >> 16)) & 255)

const weights = contentOf(2 * PIECE_BYTES + 1234, 7)
const config = contentOf(300, 3)

function describeFile(path: string, bytes: Uint8Array): ManifestFile {
  const pieces = []
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    pieces.push(sha256(bytes.subarray(at, at + PIECE_BYTES)))
  return { path, size: bytes.length, sha256: sha256(bytes), pieces }
}

const manifest: Manifest = {
  format: 'infernet/model/1',
  id: 'fake',
  name: 'Fake',
  task: 'text-generation',
  dtype: 'fp32',
  weights: 'model.onnx',
  contextLength: 100,
  vocabSize: 8,
  files: [describeFile('config.json', config), describeFile('model.onnx', weights)],
}

interface SourceInit {
  /** What is served on the n-th opening of the weights. */
  readonly serve?: (opening: number) => Uint8Array
  readonly ranges?: boolean
  readonly chunkBytes?: number
  /** Break with an error instead of ending. */
  readonly breaks?: boolean
}

function createSource({
  serve = () => weights,
  ranges = true,
  chunkBytes = 70_000,
  breaks = false,
}: SourceInit = {}) {
  const openings: { readonly path: string; readonly offset: number }[] = []
  const source: ByteSource = {
    async open(path, { offset }) {
      openings.push({ path, offset })
      const nth = openings.filter((opening) => opening.path === 'model.onnx').length
      const whole = path === 'config.json' ? config : serve(nth)
      const start = ranges ? Math.min(offset, whole.length) : 0
      return {
        offset: start,
        body: (async function* () {
          for (let at = start; at < whole.length; at += chunkBytes) yield whole.subarray(at, at + chunkBytes)
          if (breaks && whole.length < weights.length && path === 'model.onnx')
            throw new TypeError('network error')
        })(),
      }
    },
  }
  return {
    source,
    openings: () => openings.filter(({ path }) => path === 'model.onnx').map(({ offset }) => offset),
  }
}

const weightsName = sha256(weights)
const corrupted = (at: number) => weights.with(at, (weights[at] ?? 0) ^ 1)

describe('loadModel', () => {
  it('gives every file of the manifest, byte for byte, and nothing else', async () => {
    const model = await loadModel({ sources: [createSource().source], digest }, manifest)
    expect(model.paths).toEqual(['config.json', 'model.onnx'])
    expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
    await expect(model.read('other')).rejects.toMatchObject({ code: 'models.unavailable' })
  })

  it('fetches a wrong piece once more and goes on when it is right', async () => {
    const { source, openings } = createSource({
      serve: (nth) => (nth === 1 ? corrupted(PIECE_BYTES + 9) : weights),
    })
    const model = await loadModel({ sources: [source], digest }, manifest)
    expect(openings()).toEqual([0, PIECE_BYTES])
    expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
  })

  it('names a file that stays wrong', async () => {
    const { source } = createSource({ serve: () => corrupted(PIECE_BYTES + 9) })
    await expect(loadModel({ sources: [source], digest }, manifest)).rejects.toMatchObject({
      code: 'models.corrupt',
      facts: { path: 'model.onnx', piece: 1 },
    })
  })

  it.each([true, false])('goes on after a broken connection (ranges: %s)', async (ranges) => {
    const serve = (nth: number) => (nth === 1 ? weights.subarray(0, PIECE_BYTES + 70_001) : weights)
    for (const breaks of [true, false]) {
      const { source, openings } = createSource({ serve, ranges, breaks })
      const model = await loadModel({ sources: [source], digest }, manifest)
      expect(openings()).toEqual([0, PIECE_BYTES])
      expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
    }
  })

  it('names a file that ends too early, and how much came', async () => {
    const { source } = createSource({ serve: () => weights.subarray(0, 5000) })
    await expect(loadModel({ sources: [source], digest }, manifest)).rejects.toMatchObject({
      code: 'models.truncated',
      facts: { path: 'model.onnx', got: 5000, expected: weights.length },
    })
  })

  it('passes a refusal of the source on', async () => {
    const refusal = new InfernetError('models.unavailable', { path: 'model.onnx', status: 404 })
    const source: ByteSource = { open: () => Promise.reject(refusal) }
    await expect(loadModel({ sources: [source], digest }, manifest)).rejects.toBe(refusal)
  })

  it('refuses a manifest that contradicts itself', async () => {
    const [first, file] = manifest.files as [ManifestFile, ManifestFile]
    for (const wrong of [
      { ...file, pieces: file.pieces.slice(1) },
      { ...file, sha256: 'a'.repeat(64) },
    ]) {
      const loading = loadModel(
        { sources: [createSource().source], digest },
        { ...manifest, files: [first, wrong] },
      )
      await expect(loading).rejects.toMatchObject({ code: 'models.corrupt' })
    }
  })

  it('never counts backwards and ends at the sum of all files', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 3_000_000 }),
        fc.boolean(),
        async (chunkBytes, ranges) => {
          const seen: number[] = []
          const { source } = createSource({ chunkBytes, ranges })
          await loadModel({ sources: [source], digest }, manifest, {
            onProgress: ({ loadedBytes }) => seen.push(loadedBytes),
          })
          expect(seen).toEqual(seen.toSorted((a, b) => a - b))
          expect(seen.at(-1)).toBe(weights.length + config.length)
        },
      ),
      { numRuns: 10 },
    )
  })
})
