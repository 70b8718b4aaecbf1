import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright'
import { build } from 'vite'
import { launchBrowser } from '../fixtures/browser.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { MODELS_FOLDER, type BenchModel } from './models.ts'
import { openDoor } from './open-door.ts'
import type { AskedPace, PageRequest } from './page/bench-page.ts'
import type {} from './page/main.ts'
import type { Pace } from './page/stopwatch.ts'

const OUT = fileURLToPath(new URL('../../node_modules/.cache/bench-page', import.meta.url))

/** A relay that serves the bench's own page and models, and a browser for its tabs. `await using` ends both. */
export class BenchNetwork implements AsyncDisposable {
  readonly #url: string
  readonly #browser: Browser
  readonly #cleanUp: AsyncDisposableStack

  private constructor(url: string, browser: Browser, cleanUp: AsyncDisposableStack) {
    this.#url = url
    this.#browser = browser
    this.#cleanUp = cleanUp
  }

  static async start(): Promise<BenchNetwork> {
    await buildBenchPage()
    await using cleanUp = new AsyncDisposableStack()
    const folders = ['--page-folder', OUT, '--models-folder', MODELS_FOLDER]
    const relay = await startRelayProcess({ args: ['--seed-provider', 'off', ...folders] })
    cleanUp.defer(() => relay.stop())
    const door = cleanUp.use(await openDoor(relay.url))
    const browser = await launchBrowser()
    cleanUp.defer(() => browser.close())
    return new BenchNetwork(door.url, browser, cleanUp.move())
  }

  /** A tab of its own profile that lends the model on one thread. */
  async openProvider(model: BenchModel): Promise<BenchProvider> {
    const page = await this.#open()
    const lent = await page.evaluate((plain) => window.bench.lend(plain), plainly(model))
    // Threads need an isolated page; without it the engine takes one, whatever the machine has.
    if (lent.isIsolated) throw new Error('the bench page is isolated: the engine would take more than one thread')
    return {
      adapter: lent.adapter,
      generate: (request) => page.evaluate((asked) => window.bench.generate(asked), request),
    }
  }

  /** A tab of its own profile that asks. Without WebRTC it is left with the way through the relay. */
  async openConsumer(model: BenchModel, { hasWebRtc = true } = {}): Promise<BenchConsumer> {
    const page = await this.#open(async (context) => {
      if (!hasWebRtc) await context.addInitScript(() => void Reflect.deleteProperty(window, 'RTCPeerConnection'))
    })
    return {
      ask: (request) => page.evaluate(([plain, asked]) => window.bench.ask(plain, asked), [plainly(model), request] as const),
      close: () => page.context().close(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp.disposeAsync()
  }

  async #open(prepare?: (context: BrowserContext) => Promise<void>): Promise<Page> {
    const context = await this.#browser.newContext()
    await prepare?.(context)
    const page = await context.newPage()
    await page.goto(this.#url)
    await page.waitForFunction(() => 'bench' in window)
    return page
  }
}

export interface BenchProvider {
  readonly adapter: string
  /** An answer of its engine, read in its own tab. */
  generate(request: PageRequest): Promise<Pace>
}

export interface BenchConsumer {
  ask(request: PageRequest): Promise<AskedPace>
  close(): Promise<void>
}

/** The page is small and its sources are many: it is built anew each time. */
async function buildBenchPage(): Promise<void> {
  const root = fileURLToPath(new URL('./page', import.meta.url))
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    worker: { format: 'es' },
    build: { target: 'esnext', outDir: OUT, emptyOutDir: true, chunkSizeWarningLimit: 1200, rolldownOptions: { input: join(root, 'index.html') } },
  })
}

/** Without its functions, which do not cross into a page. */
function plainly({ manifest, baseUrl }: BenchModel): Pick<BenchModel, 'manifest' | 'baseUrl'> {
  return { manifest, baseUrl }
}
