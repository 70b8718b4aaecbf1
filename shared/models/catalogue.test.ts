import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CATALOGUE } from './catalogue.ts'
import { PIECE_BYTES } from './manifest.ts'
import { parseManifest } from './parse-manifest.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const served = (path: string): URL => new URL(`../../web/public${path}`, import.meta.url)
const bundled = CATALOGUE.filter(({ baseUrl }) => baseUrl.startsWith('/')).flatMap((entry) =>
  Object.entries(entry.manifests).map(([dtype, path]) => ({ ...entry, dtype, path })),
)

describe('the catalogue', () => {
  it.each(bundled)(
    '$name $dtype: the manifest fits the files (else run shared/model-kit/make-manifest.ts)',
    ({ id, dtype, path, baseUrl }) => {
      const manifest = parseManifest(readFileSync(served(baseUrl + path)), path)
      expect(manifest).toMatchObject({ id, dtype })
      for (const file of manifest.files) {
        const bytes = readFileSync(served(baseUrl + file.path))
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

  it('names only manifests that exist, under a folder', () => {
    for (const { baseUrl } of CATALOGUE) expect(baseUrl.endsWith('/')).toBe(true)
    for (const { baseUrl, path } of bundled) expect(existsSync(served(baseUrl + path))).toBe(true)
  })
})

describe('parseManifest', () => {
  const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
  const good = JSON.parse(readFileSync(served('/models/infernet-tiny/manifest.fp32.json'), 'utf8')) as object

  it('takes what the kit wrote', () => {
    expect(parseManifest(bytes(good))).toEqual(good)
  })

  it.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['a list', bytes([])],
    ['a missing field', bytes({ ...good, dtype: undefined })],
    ['weights that are no file of it', bytes({ ...good, weights: 'onnx/other.onnx' })],
    [
      'a path out of its folder',
      bytes({ ...good, files: [{ path: '../x', size: 0, sha256: '', pieces: [] }] }),
    ],
  ])('refuses %s', (_, wrong) => {
    expect(() => parseManifest(wrong)).toThrow(expect.objectContaining({ code: 'models.corrupt' }))
  })
})
