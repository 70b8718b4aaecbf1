import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ROOT = new URL('../..', import.meta.url).pathname

/** Turns a chat into tokens, or tokens into text. */
const MARK =
  /\b(?:fitChat|encodeChat|createChatTokenizer|createTextStream|createStopText|createTextTokenizer)\(/g
/** Where that is done: the tools themselves, and what uses them for every client. The kit makes models' known answers. */
const HOMES = /^shared\/(?:client|engine\/tokenizer|model-kit|testing)\//

/** What reads or writes text by itself, each as a sentence. */
function strays(sources: readonly (readonly [path: string, source: string])[]): string[] {
  return sources.flatMap(([path, source]) =>
    HOMES.test(path)
      ? []
      : [...source.matchAll(MARK)].map(
          ([call]) => `${path} calls ${call}…): use shared/client/ask-text or fit-prompt`,
        ),
  )
}

describe('text in, text out', () => {
  const paths = globSync('{shared,web,relay}/**/*.{ts,svelte}', {
    cwd: ROOT,
    exclude: (path) => /(^|\/)(node_modules|dist|public)$|\.test\.ts$/.test(path),
  })
  const sources = paths.map((path) => [path, readFileSync(`${ROOT}/${path}`, 'utf8')] as const)

  it('is done in shared/client alone', () => {
    expect(sources.length).toBeGreaterThan(400)
    expect(strays(sources)).toEqual([])
  })

  it.each([
    'web/state/ask/ask.svelte.ts',
    'relay/serve/gateway.ts',
    'shared/peer/ask.ts',
    'web/pages/Ask.svelte',
  ])('is refused in %s', (path) => {
    const planted =
      'const { tokens } = tokenizer.fitChat(messages, { reserve })\nconst text = createTextStream(chat)'
    expect(strays([[path, planted]])).toHaveLength(2)
  })

  it('is found where it is done', () => {
    const own = sources.filter(([path]) => path.startsWith('shared/client/'))
    expect(own.filter(([, source]) => source.match(MARK)).length).toBeGreaterThan(2)
  })
})
