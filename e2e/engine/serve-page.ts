import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { build, preview, type InlineConfig } from 'vite'

const BUNDLED = fileURLToPath(new URL('../../web/public/models/infernet-tiny', import.meta.url))

/** As the relay sends them: threads of wasm and the measuring of memory are for isolated pages alone. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export interface ServePageInit {
  /** Folder of the page's `index.html`. */
  readonly source: string
  /** Folders of models to serve below `/models/`, by name. @default the bundled one as `infernet-tiny` */
  readonly models?: Readonly<Record<string, string>>
}

export interface ServedPage extends AsyncDisposable {
  readonly url: string
}

/** Builds a page that drives an engine, and serves it with models beside it, from a folder of its own until its end. */
export async function servePage({
  source,
  models = { 'infernet-tiny': BUNDLED },
}: ServePageInit): Promise<ServedPage> {
  // Two runs at a time must not take each other's files away: a worker is fetched anew when one is lost.
  const outDir = mkdtempSync(join(tmpdir(), 'infernet-page-'))
  const config: InlineConfig = {
    configFile: false,
    plugins: [svelte({ configFile: false })], // for the state's runes
    root: source,
    publicDir: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: { target: 'esnext', outDir, emptyOutDir: true, chunkSizeWarningLimit: 2000 },
    preview: { host: '127.0.0.1', port: 0, headers: ISOLATION },
  }
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rmSync(outDir, { recursive: true, force: true }))
  process.env['NODE_ENV'] = 'production' // a test runner's value would give a development build
  await build(config)
  mkdirSync(join(outDir, 'models'))
  for (const [id, folder] of Object.entries(models)) symlinkSync(folder, join(outDir, 'models', id))
  const server = await preview(config)
  cleanUp.defer(() => server.close())
  const url = server.resolvedUrls?.local[0]
  if (!url) throw new Error('the page is not served')
  const open = cleanUp.move()
  return { url, [Symbol.asyncDispose]: () => open.disposeAsync() }
}
