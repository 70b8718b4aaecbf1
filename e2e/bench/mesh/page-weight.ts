import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildShippedPage } from '../build-pages.ts'
import type { BenchOptions } from '../figure.ts'

const SCRIPT = /<(?:script|link rel="modulepreload")[^>]*\s(?:src|href)="\.\/([^"]+\.js)"/g

/**
 * The page's JavaScript, compressed: what `index.html` names, which is all that loads before a lazy import, and all
 * there is. The engine's WebAssembly is no JavaScript and is not counted.
 */
export async function benchPageWeight({ print }: BenchOptions): Promise<void> {
  const folder = await buildShippedPage()
  const named = [...readFileSync(join(folder, 'index.html'), 'utf8').matchAll(SCRIPT)].map(
    ([, path]) => path ?? '',
  )
  const all = readdirSync(join(folder, 'assets')).filter((name) => name.endsWith('.js'))
  const lazy = all.map((name) => `assets/${name}`).filter((path) => !named.includes(path))
  print(
    { bench: 'mesh', metric: 'pageWeightKb', value: weightOf(folder, named), unit: 'kB' },
    { atMost: 150 },
  )
  print({ bench: 'mesh', metric: 'tabWeightKb', value: weightOf(folder, [...named, ...lazy]), unit: 'kB' })
}

function weightOf(folder: string, paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + gzipSync(readFileSync(join(folder, path))).length, 0) / 1000
}
