import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BUNDLED_MODELS } from '../models/catalogue/bundled.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { utf8 } from '../base/bytes.ts'
import { parseGolden } from './golden.ts'

const served = (path: string): URL => new URL(`../../web/public${path}`, import.meta.url)
const bundled = BUNDLED_MODELS.filter(({ task }) => task === 'text-generation').flatMap(
  ({ name, precisions }) =>
    precisions.flatMap(({ dtype, manifest }) => (manifest === undefined ? [] : [{ name, dtype, manifest }])),
)

describe('golden tokens', () => {
  it.each(bundled)(
    'of $name $dtype fit its vocabulary, one prompt longer than a prefill segment',
    ({ dtype, manifest: path }) => {
      const manifest = parseManifest(readFileSync(served(path)), path)
      const golden = parseGolden(
        readFileSync(served(path.replace('manifest.', 'golden.'))),
        `golden ${dtype}`,
      )
      expect(golden.cases.some(({ prompt }) => prompt.length > 128)).toBe(true)
      for (const { prompt, tokens } of golden.cases) {
        expect(tokens.length).toBeGreaterThan(0)
        for (const token of [...prompt, ...tokens]) expect(token).toBeLessThan(manifest.vocabSize)
      }
    },
  )

  it('are refused in any other form', () => {
    for (const text of ['{', '[]', '{"format":"infernet/golden/2","cases":[]}'])
      expect(() => parseGolden(utf8(text), 'golden')).toThrow(
        expect.objectContaining({ code: 'models.corrupt' }),
      )
  })
})
