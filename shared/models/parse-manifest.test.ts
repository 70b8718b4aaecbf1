import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseManifest } from './parse-manifest.ts'

describe('parseManifest', () => {
  const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
  const good = JSON.parse(
    readFileSync(
      new URL('../../web/public/models/infernet-tiny/manifest.fp32.json', import.meta.url),
      'utf8',
    ),
  ) as object

  const filesOf = ({ files }: { files?: object[] }): object[] => files ?? []

  it('takes what the kit wrote', () => {
    expect(parseManifest(bytes(good))).toEqual(good)
  })

  it.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['a list', bytes([])],
    ['a missing field', bytes({ ...good, dtype: undefined })],
    ['weights that are no file of it', bytes({ ...good, weights: 'onnx/other.onnx' })],
    ['two files of one path', bytes({ ...good, files: [...filesOf(good), ...filesOf(good)] })],
    [
      'a size that is a lie',
      bytes({ ...good, files: filesOf(good).map((file) => ({ ...file, size: 1e9 })) }),
    ],
    [
      'a path out of its folder',
      bytes({ ...good, files: [{ path: '../x', size: 0, sha256: '', pieces: [] }] }),
    ],
  ])('refuses %s', (_, wrong) => {
    expect(() => parseManifest(wrong)).toThrow(expect.objectContaining({ code: 'models.corrupt' }))
  })
})
