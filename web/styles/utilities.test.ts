import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import { build, type Rolldown } from 'vite'
import { expect, it } from 'vitest'

const STYLES = fileURLToPath(new URL('.', import.meta.url))
const WEB = fileURLToPath(new URL('..', import.meta.url))

/** The sheet of every page as `vite build` makes it, but neither made small nor cut into fallbacks. */
async function compiled(): Promise<string> {
  const result = (await build({
    root: WEB,
    configFile: false,
    logLevel: 'error',
    plugins: [tailwindcss({ optimize: false })],
    build: { write: false, cssMinify: false, rolldownOptions: { input: `${STYLES}app.css` } },
  })) as Rolldown.RolldownOutput
  const sheets = result.output.filter(({ fileName }) => fileName.endsWith('.css'))
  return sheets.map((sheet) => (sheet.type === 'asset' ? String(sheet.source) : '')).join('\n')
}

/** Each class as often as a selector names it. */
function classesIn(sheet: string): string[] {
  const bare = sheet.replace(/\/\*.*?\*\//gs, '').replace(/url\([^)]*\)|'[^']*'|"[^"]*"/g, '')
  const selectors = bare.match(/[^{};]+(?=\{)/g) ?? []
  return selectors.flatMap((selector) => selector.match(/\.[a-z][\w-]*/gi) ?? []).toSorted()
}

it('holds our own classes alone, each as often as we write it', async () => {
  const written = globSync('*.css', { cwd: STYLES }).map((name) => readFileSync(`${STYLES}${name}`, 'utf8'))
  const built = await compiled()
  expect(built, 'the tokens are variables').toMatch(/:root[^{}]*\{\s*--color-chrome:/)
  expect(built).not.toContain('@theme')
  expect(classesIn(built)).toContain('.table')
  expect(classesIn(built)).toEqual(classesIn(written.join('\n')))
  expect(built).not.toMatch(/--tw-|@layer[^;{]*\butilities\b/)
})
