import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { manifestBytes, PIECE_BYTES } from '../manifest.ts'
import { mayPassOn } from '../licence.ts'
import { parseManifest } from '../parse-manifest.ts'
import { BUNDLED_CATALOGUE, BUNDLED_MODELS } from './bundled.ts'
import { parseCatalogue } from './catalogue.ts'
import { filesOf } from './entry.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const served = (path: string): URL => new URL(`../../../web/public${path}`, import.meta.url)
/** What lies in the repository; others are made by the build. */
const bundled = BUNDLED_MODELS.filter(({ id }) => id === 'infernet-tiny').flatMap((entry) =>
  entry.precisions.map((precision) => ({ name: entry.name, dtype: precision.dtype, entry, precision })),
)

describe('the bundled catalogue', () => {
  it('holds no entry that its own rules leave out', () => {
    expect(parseCatalogue(BUNDLED_CATALOGUE).refused).toEqual([])
    expect(BUNDLED_MODELS.map(({ id }) => id)).toEqual([
      'infernet-tiny',
      'sentence-encoder-en',
      'smollm2-135m-instruct',
      'smollm2-360m-instruct',
      'smollm2-1.7b-instruct',
      'qwen3-0.6b',
      'qwen3-1.7b',
      'llama-3.2-1b-instruct',
      'gemma-3-270m-it',
      'gemma-3-1b-it',
      'phi-4-mini-instruct',
    ])
  })

  it('says of nothing that it was tried which was not: what is known from the hub alone is rough', () => {
    for (const { origins, tried, precisions } of BUNDLED_MODELS)
      if (origins.some(({ kind }) => kind === 'hub')) {
        expect(tried).toBe(false)
        expect(precisions.every(({ isRough, hash }) => isRough === true && hash === undefined)).toBe(true)
      }
  })

  it('names licences as hubs do, each with where it can be read, and passes on what they let be passed on', () => {
    for (const { id, licence } of BUNDLED_MODELS) {
      expect([id, licence.mayPassOn]).toEqual([id, mayPassOn(licence, ['LICENSE'])])
      expect(licence.link).toMatch(/^https:/)
    }
  })

  it.each(bundled)(
    '$name $dtype: the manifest fits the files (else run shared/model-kit/make-manifest.ts)',
    ({ entry, precision }) => {
      const path = precision.manifest ?? ''
      const folder = filesOf(entry, precision) ?? ''
      const manifest = parseManifest(readFileSync(served(path)), path)
      expect(manifest).toMatchObject({ id: entry.id, dtype: precision.dtype })
      expect(manifestBytes(manifest)).toBe(precision.bytes)
      for (const file of manifest.files) {
        const bytes = readFileSync(served(folder + file.path))
        expect({ path: file.path, size: bytes.length, sha256: sha256(bytes) }).toEqual({
          path: file.path,
          size: file.size,
          sha256: file.sha256,
        })
        const pieces = file.pieces.map((_, i) =>
          sha256(bytes.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES)),
        )
        expect(pieces).toEqual(file.pieces)
      }
    },
  )
})
