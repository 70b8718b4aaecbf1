import { createHash, webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from './byte-source.ts'
import { loadModel, type LoadProgress } from './load-model.ts'
import { PIECE_BYTES, type Manifest, type ManifestFile } from './manifest.ts'
import type { ModelCache } from './model-cache.ts'

const digest: Digest = (bytes) => webcrypto.subtle.digest('SHA-256', bytes)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const contentOf = (size: number, salt: number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * salt + (i >> 8)) & 255)

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

function createMemoryCache(kept = new Map<string, Uint8Array<ArrayBuffer>>(), spaceBytes = Infinity) {
  const cache: ModelCache = {
    async open({ sha256: name }) {
      const get = () => kept.get(name) ?? new Uint8Array(0)
      return {
        get size() {
          return get().length
        },
        read: async (offset, length) => get().slice(offset, offset + length),
        async write(offset, bytes) {
          if (offset + bytes.length > spaceBytes) throw new DOMException('full', 'QuotaExceededError')
          const grown = new Uint8Array(Math.max(get().length, offset + bytes.length))
          grown.set(get())
          grown.set(bytes, offset)
          kept.set(name, grown)
        },
        truncate: async (size) => void kept.set(name, get().slice(0, size)),
        close: async () => {},
      }
    },
  }
  return { cache, kept }
}

const weightsName = sha256(weights)
const corrupted = (at: number) => weights.with(at, (weights[at] ?? 0) ^ 1)

describe('loadModel', () => {
  it('gives every file of the manifest, byte for byte, and nothing else', async () => {
    const model = await loadModel({ source: createSource().source, cache: undefined, digest }, manifest)
    expect(model.paths).toEqual(['config.json', 'model.onnx'])
    expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
    expect(model.kept).toBe(false)
    await expect(model.read('other')).rejects.toMatchObject({ code: 'models.unavailable' })
  })

  it('takes the second visit from the cache, after checking it', async () => {
    const { cache } = createMemoryCache()
    const first = await loadModel({ source: createSource().source, cache, digest }, manifest)
    expect(first.kept).toBe(true)
    const { source, openings } = createSource()
    const phases = new Set<LoadProgress['phase']>()
    const onProgress = ({ phase }: LoadProgress): unknown => phases.add(phase)
    const second = await loadModel({ source, cache, digest }, manifest, {
      onProgress: (p) => void onProgress(p),
    })
    expect(openings()).toEqual([])
    expect([...phases]).toEqual(['checking'])
    expect(sha256(await second.read('model.onnx'))).toBe(weightsName)
  })

  it('trusts no kept piece that has changed: it and what follows are fetched again', async () => {
    const kept = new Map([[weightsName, corrupted(PIECE_BYTES + 5)]])
    const { source, openings } = createSource()
    const model = await loadModel({ source, cache: createMemoryCache(kept).cache, digest }, manifest)
    expect(openings()).toEqual([PIECE_BYTES])
    expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
    expect(sha256(kept.get(weightsName) ?? new Uint8Array())).toBe(weightsName)
  })

  it('goes on where a load was cut off', async () => {
    const { cache, kept } = createMemoryCache()
    const controller = new AbortController()
    const components = { source: createSource().source, cache, digest }
    const onProgress = ({ loadedBytes }: LoadProgress): void => {
      if (loadedBytes > 1.5 * PIECE_BYTES) controller.abort(new Error('enough'))
    }
    const loading = loadModel(components, manifest, { signal: controller.signal, onProgress })
    await expect(loading).rejects.toThrow('enough')
    expect(kept.get(weightsName)?.length).toBe(PIECE_BYTES)
    const { source, openings } = createSource()
    await loadModel({ source, cache, digest }, manifest)
    expect(openings()).toEqual([PIECE_BYTES])
  })

  it('fetches a wrong piece once more and goes on when it is right', async () => {
    const { source, openings } = createSource({
      serve: (nth) => (nth === 1 ? corrupted(PIECE_BYTES + 9) : weights),
    })
    const model = await loadModel({ source, cache: undefined, digest }, manifest)
    expect(openings()).toEqual([0, PIECE_BYTES])
    expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
  })

  it('names a file that stays wrong, and keeps nothing of the wrong piece', async () => {
    const { cache, kept } = createMemoryCache()
    const { source } = createSource({ serve: () => corrupted(PIECE_BYTES + 9) })
    await expect(loadModel({ source, cache, digest }, manifest)).rejects.toMatchObject({
      code: 'models.corrupt',
      facts: { path: 'model.onnx', piece: 1 },
    })
    expect(kept.get(weightsName)?.length).toBe(PIECE_BYTES)
  })

  it.each([true, false])('goes on after a broken connection (ranges: %s)', async (ranges) => {
    const serve = (nth: number) => (nth === 1 ? weights.subarray(0, PIECE_BYTES + 70_001) : weights)
    for (const breaks of [true, false]) {
      const { source, openings } = createSource({ serve, ranges, breaks })
      const model = await loadModel({ source, cache: undefined, digest }, manifest)
      expect(openings()).toEqual([0, PIECE_BYTES + 70_001])
      expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
    }
  })

  it('names a file that ends too early, and how much came', async () => {
    const { source } = createSource({ serve: () => weights.subarray(0, 5000) })
    await expect(loadModel({ source, cache: undefined, digest }, manifest)).rejects.toMatchObject({
      code: 'models.truncated',
      facts: { path: 'model.onnx', got: 5000, expected: weights.length },
    })
  })

  it('passes a refusal of the source on', async () => {
    const refusal = new InfernetError('models.unavailable', { path: 'model.onnx', status: 404 })
    const source: ByteSource = { open: () => Promise.reject(refusal) }
    await expect(loadModel({ source, cache: undefined, digest }, manifest)).rejects.toBe(refusal)
  })

  it('runs a model that cannot be kept, and says that it is not kept', async () => {
    const { cache } = createMemoryCache(new Map(), PIECE_BYTES + 10)
    const model = await loadModel({ source: createSource().source, cache, digest }, manifest)
    expect(model.kept).toBe(false)
    expect(sha256(await model.read('model.onnx'))).toBe(weightsName)
    const locked: ModelCache = {
      open: () => Promise.reject(new DOMException('', 'NoModificationAllowedError')),
    }
    const again = await loadModel({ source: createSource().source, cache: locked, digest }, manifest)
    expect(again.kept).toBe(false)
  })

  it('refuses a manifest that contradicts itself', async () => {
    const [first, file] = manifest.files as [ManifestFile, ManifestFile]
    for (const wrong of [
      { ...file, pieces: file.pieces.slice(1) },
      { ...file, sha256: 'a'.repeat(64) },
    ]) {
      const loading = loadModel(
        { source: createSource().source, cache: undefined, digest },
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
          await loadModel({ source, cache: undefined, digest }, manifest, {
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
