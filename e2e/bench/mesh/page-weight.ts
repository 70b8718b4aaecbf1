import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { buildPage } from '../../fixtures/build-page.ts'
import type { BenchOptions } from '../figure.ts'

const DIST = fileURLToPath(new URL('../../../web/dist', import.meta.url))
const SCRIPT = /<(?:script|link rel="modulepreload")[^>]*\s(?:src|href)="\/([^"]+\.js)"/g

/**
 * The page's JavaScript, compressed: what `index.html` names, which is all that loads before a lazy import, and all
 * there is. The engine's WebAssembly is no JavaScript and is not counted.
 */
export async function benchPageWeight({ print }: BenchOptions): Promise<void> {
  buildPage()
  const named = [...readFileSync(join(DIST, 'index.html'), 'utf8').matchAll(SCRIPT)].map(
    ([, path]) => path ?? '',
  )
  const all = readdirSync(join(DIST, 'assets')).filter((name) => name.endsWith('.js'))
  const lazy = all.map((name) => `assets/${name}`).filter((path) => !named.includes(path))
  print({ bench: 'mesh', metric: 'pageWeightKb', value: weightOf(named), unit: 'kB' }, { atMost: 150 })
  print({ bench: 'mesh', metric: 'tabWeightKb', value: weightOf([...named, ...lazy]), unit: 'kB' })
}

function weightOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + gzipSync(readFileSync(join(DIST, path))).length, 0) / 1000
}
