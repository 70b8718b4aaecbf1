import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type InlineConfig } from 'vite'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = join(ROOT, 'node_modules/.cache')

let shipped: Promise<string> | undefined
const benches = new Map<string, Promise<string>>()

/**
 * Builds the page as it is shipped into a folder of the bench's own, once a run: `web/dist` may be a test's build, or
 * be built anew by somebody else in the middle of a measurement.
 */
export function buildShippedPage(): Promise<string> {
  const outDir = join(CACHE, 'bench-shipped')
  const config = { configFile: join(ROOT, 'vite.config.ts'), root: join(ROOT, 'web'), build: { outDir } }
  return (shipped ??= buildInto(outDir, config))
}

/** Builds a page that a bench drives, once a run. Nothing of it is in the shipped one. */
export function buildBenchPage(folder: 'page' | 'weights/page' = 'page'): Promise<string> {
  const outDir = join(CACHE, `bench-${folder.replace('/', '-')}`)
  const root = fileURLToPath(new URL(folder, import.meta.url))
  const settings = { target: 'esnext', outDir, emptyOutDir: true, chunkSizeWarningLimit: 1200 }
  const config: InlineConfig = { configFile: false, root, publicDir: false, build: settings }
  const built = benches.get(folder) ?? buildInto(outDir, { ...config, worker: { format: 'es' } })
  benches.set(folder, built)
  return built
}

async function buildInto(outDir: string, config: InlineConfig): Promise<string> {
  process.env['NODE_ENV'] = 'production' // whatever the shell says: Svelte's development build is a fifth larger
  await build({ ...config, logLevel: 'error' })
  return outDir
}
