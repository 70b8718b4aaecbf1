import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildShippedPage } from '../build-pages.ts'
import type { BenchOptions } from '../figure.ts'

const SCRIPT = /<(?:script|link rel="modulepreload")[^>]*\s(?:src|href)="\.\/([^"]+\.js)"/g

/** What a visitor's first look at the page may take, compressed, in kB. One import in a wrong place is 50 more. */
export const MAX_FIRST_LOAD_KB = 110

/**
 * The page's JavaScript, compressed: what `index.html` names, which is all that loads before a lazy import, and all
 * there is. The engine's WebAssembly is no JavaScript and is not counted.
 */
export async function benchPageWeight({ print }: BenchOptions): Promise<void> {
  const folder = await buildShippedPage()
  const named = namedIn(folder)
  const all = readdirSync(join(folder, 'assets')).filter((name) => name.endsWith('.js'))
  const lazy = all.map((name) => `assets/${name}`).filter((path) => !named.includes(path))
  print(
    { bench: 'mesh', metric: 'pageWeightKb', value: weightOf(folder, named), unit: 'kB' },
    { atMost: MAX_FIRST_LOAD_KB },
  )
  print({ bench: 'mesh', metric: 'tabWeightKb', value: weightOf(folder, [...named, ...lazy]), unit: 'kB' })
}

/** What loads before a lazy import of a page that was built here, compressed, in kB. */
export function firstLoadKb(folder: string): number {
  return weightOf(folder, namedIn(folder))
}

function namedIn(folder: string): readonly string[] {
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  return [...page.matchAll(SCRIPT)].map(([, path]) => path ?? '')
}

function weightOf(folder: string, paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + gzipSync(readFileSync(join(folder, path))).length, 0) / 1000
}
