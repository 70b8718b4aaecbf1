import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CATALOGUE } from '../models/catalogue.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { utf8 } from '../base/bytes.ts'
import { parseGolden } from './golden.ts'

const served = (path: string): URL => new URL(`../../web/public${path}`, import.meta.url)
const bundled = CATALOGUE.filter(({ baseUrl }) => baseUrl.startsWith('/')).flatMap((entry) =>
  Object.entries(entry.manifests).map(([dtype, path]) => ({ ...entry, dtype, path })),
)

describe('golden tokens', () => {
  it.each(bundled)(
    'of $name $dtype fit its vocabulary, one prompt longer than a prefill segment',
    (entry) => {
      const { dtype, path, baseUrl } = entry
      const manifest = parseManifest(readFileSync(served(baseUrl + path)), path)
      const golden = parseGolden(readFileSync(served(`${baseUrl}golden.${dtype}.json`)), 'golden')
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
