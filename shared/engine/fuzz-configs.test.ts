import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { goldenPath } from '../models/manifest.ts'
import { readJson } from '../models/model-files.ts'
import { readTinyModel, wasmComponents } from '../testing/tiny-model.ts'
import { loadDecoder } from './decoder/load-decoder.ts'
import { eosTokens } from '../models/eos-tokens.ts'
import { parseGolden } from './golden.ts'
import { createChatTokenizer } from './tokenizer/chat-tokenizer.ts'

/*
 * A model's files come from a publisher whom nobody knows. Whatever they hold, what fails must have a name, and a name
 * of its own: `internal` says that we did not think of it.
 */

const { manifest, files } = await readTinyModel('fp32')
const paths = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'] as const
const [config, generationConfig, tokenizerJson, tokenizerConfig] = await Promise.all(
  paths.map((path) => readJson(files, path)),
)
const golden = await readJson(files, goldenPath('fp32'))
const { ort } = await wasmComponents(files)

type Json = Readonly<Record<string, unknown>>

/** Values that JSON can hold and that code stumbles over. */
const oddity = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    null,
    -1,
    0.5,
    1e308,
    2 ** 53,
    '',
    '__proto__',
    [],
    {},
    [null],
    [[]],
    '\ud800',
    'x'.repeat(9999),
  ),
)

/** A place in a file and what is put there; undefined takes it out. The place of no name is the whole file. */
type Edit = readonly [place: readonly string[], value: unknown]

/** One place anywhere, or a few, that hold something else, or a file that is something else altogether. */
function editsOf(valid: Json): fc.Arbitrary<readonly Edit[]> {
  const edit: fc.Arbitrary<Edit> = fc.tuple(
    fc.constantFrom(...placesIn(valid)),
    fc.option(oddity, { freq: 4, nil: undefined }),
  )
  const other = fc.dictionary(fc.constantFrom(...Object.keys(valid)), oddity)
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: other.map((value): readonly Edit[] => [[[], value]]) },
  )
}

function edited(valid: Json, edits: readonly Edit[]): Json {
  let copy: Json = structuredClone(valid)
  for (const [place, value] of edits) {
    // A copy: the next edit may fall into what this one puts there.
    const fresh = structuredClone(value)
    if (place.length === 0) copy = fresh as Json
    else put(copy, place, fresh)
  }
  return copy
}

/** The ways to the values of a file, a few for each list. */
function placesIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null || path.length > 5) return path.length > 0 ? [path] : []
  const entries = Object.entries(value)
  const some = entries.length > 12 ? [...entries.slice(0, 4), ...entries.slice(-4)] : entries
  const inner = some.flatMap(([key, each]) => placesIn(each, [...path, key]))
  return path.length > 0 ? [path, ...inner] : inner
}

function put(target: Json, path: readonly string[], value: unknown): void {
  let at: unknown = target
  for (const key of path.slice(0, -1)) {
    if (typeof at !== 'object' || at === null) return
    at = (at as Record<string, unknown>)[key]
  }
  const key = path.at(-1) ?? ''
  if (typeof at !== 'object' || at === null) return
  if (value === undefined) Reflect.deleteProperty(at, key)
  else Object.assign(at, { [key]: value })
}

/** Fails the test unless what is thrown, if anything, has a name. */
async function expectNamed(run: () => unknown): Promise<'fine' | 'refused'> {
  try {
    await run()
    return 'fine'
  } catch (thrown) {
    if (!(thrown instanceof InfernetError)) throw new Error('no name', { cause: thrown })
    expect(thrown.code).toMatch(/^(models|engine|prompt)\./)
    return 'refused'
  }
}

describe('whatever a publisher writes', () => {
  it('into tokenizer files, the tokenizer refuses it by name or works', async () => {
    const counts = { fine: 0, refused: 0 }
    const valid = {
      tokenizerJson: tokenizerJson!,
      tokenizerConfig: tokenizerConfig!,
      generationConfig: generationConfig!,
    }
    const spoiled = fc.oneof(
      ...(Object.keys(valid) as (keyof typeof valid)[]).map((name) =>
        editsOf(valid[name]).map((edits) => ({ name, edits })),
      ),
    )
    await fc.assert(
      fc.asyncProperty(spoiled, async ({ name, edits }) => {
        const { contextLength } = manifest
        const init = { ...valid, contextLength, [name]: edited(valid[name], edits) }
        const end = await expectNamed(() => {
          const chat = createChatTokenizer(init)
          const tokens = chat.encodeChat([{ role: 'user', content: 'Hello <|im_end|> there, naïve 🦊' }])
          for (const token of tokens) expect(Number.isSafeInteger(token)).toBe(true)
          chat.decode(tokens)
        })
        counts[end]++
      }),
      { numRuns: 300 },
    )
    expect(Math.min(counts.fine, counts.refused)).toBeGreaterThan(10)
  }, 60_000)

  it('into config.json, the decoder refuses it by name or works', async () => {
    await fc.assert(
      fc.asyncProperty(editsOf(config!), async (edits) => {
        const changed = edited(config!, edits)
        const spoiledFiles = {
          ...files,
          read: async (path: string) =>
            path === 'config.json' ? Uint8Array.from(utf8(JSON.stringify(changed))) : files.read(path),
        }
        await expectNamed(async () => {
          const decoder = await loadDecoder({ ort, files: spoiledFiles, gpu: undefined }, manifest)
          await decoder.close()
        })
      }),
      { numRuns: 25 },
    )
  }, 120_000)

  it('into golden tokens, they are refused by name or are prompts and tokens', async () => {
    await fc.assert(
      fc.asyncProperty(editsOf(golden), async (edits) => {
        const changed = edited(golden, edits)
        await expectNamed(() => {
          for (const { prompt, tokens } of parseGolden(utf8(JSON.stringify(changed)), 'golden').cases)
            for (const token of [...prompt, ...tokens]) expect(token).toBeGreaterThanOrEqual(0)
        })
      }),
      { numRuns: 300 },
    )
  })

  it('as end tokens, they are whole numbers', () => {
    fc.assert(
      fc.property(editsOf(generationConfig!), editsOf(config!), (generation, other) => {
        for (const token of eosTokens(edited(generationConfig!, generation), edited(config!, other)))
          expect(Number.isInteger(token)).toBe(true)
      }),
    )
  })

  it.each(['', 'null', '[]', '{', '"text"', '{"a":1}garbage'])(
    'as a file %j that is no JSON object, it is corrupt',
    async (text) => {
      const broken = { ...files, read: async () => Uint8Array.from(utf8(text)) }
      await expect(loadDecoder({ ort, files: broken, gpu: undefined }, manifest)).rejects.toMatchObject({
        code: 'models.corrupt',
        facts: { path: 'config.json' },
      })
    },
  )
})
