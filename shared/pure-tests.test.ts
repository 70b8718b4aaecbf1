import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PURE_FOLDERS } from './testing/pure-folders.ts'

const ROOT = new URL('..', import.meta.url).pathname
const files = PURE_FOLDERS.flatMap((folder) => globSync(`shared/${folder}/**/*.ts`, { cwd: ROOT }))
const isTest = (path: string): boolean => path.endsWith('.test.ts')
const isLong = (path: string): boolean => path.endsWith('.long.test.ts')

/** What a file may keep for the next one: nothing there depends on who asked first. */
const HARMLESS: Readonly<Record<string, string>> = {
  'shared/peer/webrtc-path.ts': 'knows connections by themselves, and forgets them with them',
  'shared/testing/eviction-trace.ts': 'remembers what a pure function gave',
  'shared/testing/longer-fuzz.ts': 'is loaded by the longer tests alone, which do not share a process',
}

/** At the top of a module: a variable, or a collection that something may be put into. */
const STATE = [
  /^(?:export )?(?:let|var) /m,
  /^(?:export )?const \w+ = new (?:Weak)?(?:Map|Set)(?:<[^=]*>)?\(\)/m,
  /^(?:export )?const \w+(?:: [^=\n]+)? = \[\]/m,
]
/** What stays behind in the process when a test is over, or is there for who comes later. */
const TRACES = [
  /\bvi\s*\.(?:mock|doMock|stubGlobal|stubEnv|useFakeTimers|spyOn)\b/,
  /\bglobalThis\s*(?:\.\w+|\[[^\]]+\])\s*=[^=]/,
  /\bObject\.(?:assign|defineProperty|defineProperties)\(\s*(?:globalThis|process)\b/,
  /\bprocess\.env(?:\.\w+|\[[^\]]+\])\s*=[^=]/,
  /\bprocess\.(?:chdir|exit)\(/,
  /\bprototype\.\w+\s*=[^=]/,
]

function marked(paths: readonly string[], marks: readonly RegExp[]): string[] {
  return paths.filter((path) => marks.some((mark) => mark.test(readFileSync(ROOT + path, 'utf8'))))
}

describe('tests that share a process', () => {
  it('are of modules that keep nothing from one file of tests to the next', () => {
    const kept = marked(
      files.filter((path) => !isTest(path)),
      STATE,
    )
    expect(kept.sort()).toEqual(Object.keys(HARMLESS).sort())
  })

  it('change nothing that the next file of tests would find', () => {
    const tests = files.filter((path) => isTest(path) && !isLong(path))
    expect(tests.length).toBeGreaterThan(50)
    expect(marked(tests, TRACES)).toEqual([])
  })

  it.each([
    ['let count = 0\n', STATE],
    ['const seen = new Map<string, number>()\n', STATE],
    ['const all: string[] = []\n', STATE],
    ["  vi.stubGlobal('navigator', {})\n", TRACES],
    ["globalThis.fetch = () => 'mine'\n", TRACES],
    ["process.env['A'] = 'b'\n", TRACES],
  ])('would be refused for %j', (text, marks) => {
    expect(marks.some((mark) => mark.test(text))).toBe(true)
  })
})
