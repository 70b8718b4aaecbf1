import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'contracts/SECURITY.md'],
  ...globSync('docs/*.md', { cwd: root }),
]
const FOLDERS = /^(shared|relay|web|contracts|e2e|docs|patches)\//

/** Paths in `backquotes` that begin with one of our folders. */
function pathsIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([\w./-]+)`/g)].map(([, path = '']) => path)
  return quoted.filter((path) => FOLDERS.test(path))
}

it.each(pages)('%s names no path that is not there', (page) => {
  expect(pathsIn(read(page)).filter((path) => !existsSync(join(root, path)))).toEqual([])
})

it.each(pages)('%s links to what is there', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)/g)].map(([, link = '']) => link)
  const own = links.filter((link) => !/^https?:/.test(link))
  expect(own.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([])
})

it('SECURITY.md names a test for each threat, and has a line for each attack', () => {
  const parts = read('SECURITY.md').split('\n\n')
  const tables = parts.filter((part) => /^\|.*\| test +\|\n/.test(part))
  const rows = tables.flatMap((table) => table.trim().split('\n').slice(2))
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter((row) => pathsIn(row.split('|').at(-2) ?? '').length === 0)).toEqual([])
  const attacks = globSync('e2e/hostile/*.long.test.ts', { cwd: root })
  expect(attacks.filter((path) => !rows.some((row) => row.includes(path)))).toEqual([])
})

it('contracts/SECURITY.md names no test that is not there', () => {
  const cited = [...read('contracts/SECURITY.md').matchAll(/`([A-Z]\w+|\w+\/\w+): (\w+)`((?:, `\w+`)*)/g)]
  const named = cited.flatMap(([, file = '', first = '', more = '']) =>
    [first, ...more.matchAll(/\w+/g)].map((name) => ({
      path: `contracts/test/${file}.t.sol`,
      name: String(name),
    })),
  )
  expect(named.length).toBeGreaterThan(50)
  const isThere = ({ path, name }: { path: string; name: string }): boolean =>
    existsSync(join(root, path)) && new RegExp(`function (test|invariant)\\w*_${name}\\(`).test(read(path))
  expect(named.filter((each) => !isThere(each))).toEqual([])
})

it('contracts/SECURITY.md names a test for each risk that is accepted', () => {
  const [, risks = ''] = /## Known risks[^\n]*\n\n([\s\S]*?)\n\n## /.exec(read('contracts/SECURITY.md')) ?? []
  const lines = risks.split('\n')
  expect(lines.length).toBeGreaterThan(15)
  expect(lines.filter((line) => !/`[\w/]+: \w+`|`[\w/-]+\.test\.ts`/.test(line))).toEqual([])
})

it('the comments that cite a page cite one that is there', () => {
  const files = globSync('{shared,relay,web,contracts/src,contracts/script,e2e}/**/*.{ts,svelte,sol}', {
    cwd: root,
    exclude: (path) => /node_modules|dist/.test(path),
  })
  const cited = files.flatMap((file) => [...read(file).matchAll(/\bdocs\/[\w-]+\.md/g)].map(([page]) => page))
  expect(cited.length).toBeGreaterThan(10)
  expect([...new Set(cited)].filter((page) => !existsSync(join(root, page)))).toEqual([])
})
