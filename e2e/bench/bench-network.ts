import type { Browser, BrowserContext, Page } from 'playwright'
import { launchBrowser } from '../fixtures/browser.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import { buildBenchPage } from './build-pages.ts'
import type { BenchModel } from './models.ts'
import { openDoor } from './open-door.ts'
import type { AskedPace, PageRequest } from './page/bench-page.ts'
import type {} from './page/main.ts'
import type { Pace } from './page/stopwatch.ts'

/** A relay that serves the bench's own page and one model, and a browser for its tabs. `await using` ends both. */
export class BenchNetwork implements AsyncDisposable {
  readonly #model: BenchModel
  readonly #url: string
  readonly #browser: Browser
  readonly #cleanUp: AsyncDisposableStack

  private constructor(model: BenchModel, url: string, browser: Browser, cleanUp: AsyncDisposableStack) {
    this.#model = model
    this.#url = url
    this.#browser = browser
    this.#cleanUp = cleanUp
  }

  static async start(model: BenchModel): Promise<BenchNetwork> {
    const page = await buildBenchPage()
    await using cleanUp = new AsyncDisposableStack()
    const folders = ['--page-folder', page, '--models-folder', model.folder]
    const relay = await startRelayProcess({ args: ['--seed-provider', 'off', ...folders] })
    cleanUp.defer(() => relay.stop())
    const door = cleanUp.use(await openDoor(relay.url))
    const browser = await launchBrowser()
    cleanUp.defer(() => browser.close())
    return new BenchNetwork(model, door.url, browser, cleanUp.move())
  }

  /** A tab of its own profile that provides the model on one thread. */
  async openProvider(): Promise<BenchProvider> {
    const page = await this.#open()
    const provided = await page.evaluate((model) => window.bench.provide(model), this.#model.model)
    // Threads need an isolated page; without it the engine takes one, whatever the machine has.
    if (provided.isIsolated)
      throw new Error('the bench page is isolated: the engine would take more than one thread')
    return {
      adapter: provided.adapter,
      generate: (request) => page.evaluate((asked) => window.bench.generate(asked), request),
    }
  }

  /** A tab of its own profile that asks. Without WebRTC it is left with the way through the relay. */
  async openConsumer({ hasWebRtc = true } = {}): Promise<BenchConsumer> {
    const page = await this.#open(async (context) => {
      if (!hasWebRtc)
        await context.addInitScript(() => void Reflect.deleteProperty(window, 'RTCPeerConnection'))
    })
    return {
      ask: (request) =>
        page.evaluate(([model, asked]) => window.bench.ask(model, asked), [
          this.#model.model,
          request,
        ] as const),
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

/** A tab that provides. */
export interface BenchProvider {
  readonly adapter: string
  /** An answer of its engine, read in its own tab. */
  readonly generate: (request: PageRequest) => Promise<Pace>
}

/** A tab that asks. */
export interface BenchConsumer {
  readonly ask: (request: PageRequest) => Promise<AskedPace>
  readonly close: () => Promise<void>
}
