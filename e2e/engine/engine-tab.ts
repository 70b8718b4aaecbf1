import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright'
import { launchBrowser } from '../fixtures/browser.ts'
import { lavapipeChromium } from '../lavapipe/lavapipe-chromium.ts'
import type {} from './page/main.ts'
import { servePage, type ServePageInit } from './serve-page.ts'

/** The software GPUs by their real names; both call themselves `google swiftshader`. */
export type SoftwareGpu = 'swiftshader' | 'lavapipe'

/** Has the browser collect garbage at once when memory is asked for, not within some seconds. */
const MEASURE_NOW = '--enable-blink-features=ForceEagerMeasureMemory'

/** A tab with the engine's page in it, in a browser of its own. */
export interface EngineTab extends AsyncDisposable {
  readonly page: Page
}

/** Why there can be no such browser here. */
export class NoAdapter extends Error {}

/**
 * Opens a page in a browser with that software GPU.
 *
 * @throws NoAdapter when lavapipe cannot be had on this machine
 */
export async function openEngineTab(
  gpu: SoftwareGpu,
  page: ServePageInit = { source: fileURLToPath(new URL('./page', import.meta.url)) },
): Promise<EngineTab> {
  await using cleanUp = new AsyncDisposableStack()
  const browser = await launchSoftwareGpu(gpu)
  cleanUp.defer(() => browser.close())
  const served = cleanUp.use(await servePage(page))
  const tab = await openPage(browser, served.url)
  const open = cleanUp.move()
  return { page: tab, [Symbol.asyncDispose]: () => open.disposeAsync() }
}

/** A page with lavapipe, and with SwiftShader where that cannot be had: the same, five times slower. */
export function openFasterGpu(): Promise<EngineTab> {
  return onFasterGpu((gpu) => openEngineTab(gpu))
}

/** The browser alone, of {@link openFasterGpu}. */
export function launchFasterGpu(): Promise<Browser> {
  return onFasterGpu(launchSoftwareGpu)
}

async function onFasterGpu<T>(open: (gpu: SoftwareGpu) => Promise<T>): Promise<T> {
  try {
    return await open('lavapipe')
  } catch (thrown) {
    if (!(thrown instanceof NoAdapter)) throw thrown
    console.error(`no lavapipe, so this takes minutes on SwiftShader: ${thrown.message}`)
    return open('swiftshader')
  }
}

async function openPage(browser: Browser, url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  page.on('pageerror', (error) => console.error('the engine page:', error))
  await page.goto(url)
  return page
}

async function launchSoftwareGpu(gpu: SoftwareGpu): Promise<Browser> {
  const flags = [MEASURE_NOW]
  if (gpu === 'swiftshader') return launchBrowser({ flags })
  const { executablePath, reason } = lavapipeChromium()
  if (executablePath === undefined) throw new NoAdapter(reason)
  return launchBrowser({ executablePath, flags })
}

/** The width of its subgroups tells lavapipe (8) from SwiftShader (4). */
export function subgroupSize(page: Page): Promise<number | undefined> {
  return page.evaluate(async () => (await navigator.gpu.requestAdapter())?.info.subgroupMinSize)
}
