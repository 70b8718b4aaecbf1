import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright'
import type { VoucherTimes } from '../engine-page/measure-voucher.ts'
import type { Memory } from '../../engine/page/memory.ts'
import { servePage } from '../../engine/serve-page.ts'
import { launchBrowser } from '../../fixtures/browser.ts'
import { lavapipeChromium } from '../../lavapipe/lavapipe-chromium.ts'
import type { HandlingInit, HandlingMs } from '../engine-page/handling.ts'
import type {} from '../engine-page/main.ts'
import type { SideAnswers, SideModel, SideRequest } from '../engine-page/side.ts'
import type { BenchAdapter } from './cases.ts'

const SOURCE = fileURLToPath(new URL('../engine-page', import.meta.url))

/** Has the browser collect garbage at once when memory is asked for, not within some seconds. */
const MEASURE_NOW = '--enable-blink-features=ForceEagerMeasureMemory'
/** On Linux a real GPU is reached through Vulkan, which is behind a flag there. */
const REAL_GPU = ['--enable-features=Vulkan', '--use-angle=vulkan']

export type SideName = 'ours' | 'peer'
export const SIDES = ['ours', 'peer'] as const satisfies readonly SideName[]

/** A tab with both sides in it, on one adapter. */
export interface BenchTab extends AsyncDisposable {
  load(side: SideName, model: SideModel): Promise<number>
  answer(side: SideName, request: SideRequest): Promise<SideAnswers>
  close(side: SideName): Promise<void>
  memory(): Promise<Memory>
  submitMs(side: SideName): Promise<number>
  /** Of our engine. */
  streams(): Promise<number>
  score(promptTokens: readonly number[], outputTokens: readonly number[]): Promise<number>
  handlingMs(init: HandlingInit): Promise<HandlingMs>
  voucherMs(): Promise<VoucherTimes>
  /** What the browser calls the GPU, for a line about a real one. */
  readonly gpuLabel: string
}

/** Why an adapter cannot be had here; cases on it are left out. */
export class NoAdapter extends Error {}

export async function openBenchTab(
  adapter: BenchAdapter,
  models: Readonly<Record<string, string>>,
): Promise<BenchTab> {
  await using cleanUp = new AsyncDisposableStack()
  const browser = await launchBrowser({ ...browserOf(adapter), hasGpu: adapter !== 'cpu' })
  cleanUp.defer(() => browser.close())
  const served = cleanUp.use(await servePage({ source: SOURCE, models }))
  const page = await (await browser.newContext()).newPage()
  page.on('pageerror', (error) => console.error('the bench page:', error))
  await page.goto(served.url)
  await page.waitForFunction(() => 'engineBench' in window)
  const gpuLabel = adapter === 'cpu' ? '' : await readGpu(page, adapter)
  const open = cleanUp.move()
  return {
    gpuLabel,
    load: (side, model) =>
      page.evaluate(([side, model]) => window.engineBench[side].load(model), [side, model] as const),
    answer: (side, request) =>
      page.evaluate(([side, asked]) => window.engineBench[side].answer(asked), [side, request] as const),
    close: (side) => page.evaluate((side) => window.engineBench[side].close(), side),
    memory: () => page.evaluate(() => window.engineBench.memory()),
    streams: () => page.evaluate(() => window.engineBench.ours.streams()),
    submitMs: (side) => page.evaluate((side) => window.engineBench[side].submitMs(), side),
    score: (prompt, output) =>
      page.evaluate(([prompt, output]) => window.engineBench.ours.score(prompt, output), [
        prompt,
        output,
      ] as const),
    handlingMs: (init) => page.evaluate((init) => window.engineBench.handlingMs(init), init),
    voucherMs: () => page.evaluate(() => window.engineBench.voucherMs()),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

function browserOf(adapter: BenchAdapter): { executablePath?: string; flags: string[] } {
  if (adapter === 'gpu') return { flags: [MEASURE_NOW, ...REAL_GPU] }
  if (adapter !== 'lavapipe') return { flags: [MEASURE_NOW] }
  const { executablePath, reason } = lavapipeChromium()
  if (executablePath === undefined) throw new NoAdapter(reason)
  return { executablePath, flags: [MEASURE_NOW] }
}

/** The adapter's own words; throws when it is not the one that was meant. */
async function readGpu(page: Page, wanted: BenchAdapter): Promise<string> {
  const info = await page.evaluate(async () => {
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
    if (!adapter) return undefined
    const { vendor, architecture, device, subgroupMinSize, isFallbackAdapter } = adapter.info
    return { label: `${vendor} ${architecture || device}`, subgroupMinSize, isFallbackAdapter }
  })
  if (!info) throw new NoAdapter('the browser has no WebGPU adapter')
  if (wanted === 'gpu' && info.isFallbackAdapter) throw new NoAdapter('the browser has no real GPU')
  // Lavapipe poses as SwiftShader; its subgroups are 8 wide, those of the real one 4.
  const isLavapipe = info.isFallbackAdapter && info.subgroupMinSize === 8
  if (wanted !== 'gpu' && isLavapipe !== (wanted === 'lavapipe'))
    throw new NoAdapter(`the adapter is not ${wanted}, its subgroups have ${info.subgroupMinSize}`)
  return info.label
}
