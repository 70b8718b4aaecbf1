import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PURE_FOLDERS } from './testing/pure-folders.ts'

const ROOT = new URL('..', import.meta.url).pathname
const inShared = PURE_FOLDERS.flatMap((folder) => globSync(`shared/${folder}/**/*.ts`, { cwd: ROOT }))
const inWeb = globSync('web/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] })
const isTest = (path: string): boolean => path.endsWith('.test.ts')
const isLong = (path: string): boolean => path.endsWith('.long.test.ts')
/** In the page only these share a process; its other tests have one each. */
const isOfComponents = (path: string): boolean => path.endsWith('.svelte.test.ts')

/** What a file may keep for the next one: nothing there depends on who asked first. */
const HARMLESS: Readonly<Record<string, string>> = {
  'shared/engine/grammar/token-bytes.ts': 'is filled where it stands, and never again',
  'shared/engine/sampler/draw.ts': 'is written before it is read, at each draw',
  'shared/engine/sampler/scan.ts': 'is loaded anew before each use',
  'shared/models/store/map-record.ts': 'remembers what a pure function gave',
  'shared/peer/webrtc-path.ts': 'knows connections by themselves, and forgets them with them',
  'shared/testing/eviction-trace.ts': 'remembers what a pure function gave',
  'shared/testing/longer-fuzz.ts': 'is loaded by the longer tests alone, which do not share a process',
  'web/engine/metronome-worker.ts': 'is a worker of its own',
  'web/state/provide/open-lend-wanted.ts': 'knows pages by themselves, and forgets them with them',
  'web/state/provide/token-rate.ts': 'is read only',
  'web/state/shell/known-home.ts': 'is what the real page has, which no test of a component loads',
  'web/state/shell/services-real.ts': 'is what the real page has, which no test of a component loads',
  'web/weights/open-weights.ts': 'is what the real page has, which no test of a component loads',
}

/** At the top of a module: a variable, or a collection that something may be put into. */
const STATE = [
  /^(?:export )?(?:let|var) /m,
  /^(?:export )?const \w+ = new (?:Weak)?(?:Map|Set)(?:<[^=]*>)?\(\)/m,
  /^(?:export )?const \w+(?:: [^=\n]+)? = \[\]/m,
  /^(?:export )?const \w+(?:: [^=\n]+)? = \$state\b/m,
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
      [...inShared, ...inWeb].filter((path) => !isTest(path)),
      STATE,
    )
    expect(kept.sort()).toEqual(Object.keys(HARMLESS).sort())
  })

  it('change nothing that the next file of tests would find', () => {
    const ofShared = inShared.filter((path) => isTest(path) && !isLong(path))
    const ofWeb = inWeb.filter(isOfComponents)
    expect(ofShared.length).toBeGreaterThan(150)
    expect(ofWeb.length).toBeGreaterThan(30)
    const tests = [...ofShared, ...ofWeb]
    expect(marked(tests, TRACES)).toEqual([])
  })

  it.each([
    ['let count = 0\n', STATE],
    ['const seen = new Map<string, number>()\n', STATE],
    ['const all: string[] = []\n', STATE],
    ['export const shown = $state({ count: 0 })\n', STATE],
    ["  vi.stubGlobal('navigator', {})\n", TRACES],
    ["globalThis.fetch = () => 'mine'\n", TRACES],
    ["process.env['A'] = 'b'\n", TRACES],
  ])('would be refused for %j', (text, marks) => {
    expect(marks.some((mark) => mark.test(text))).toBe(true)
  })
})
