import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright'
import type { MadeModel } from '#shared/model-kit/families/make-family.ts'
import { largestExternalBytes } from '#shared/models/onnx/external-weights.ts'
import { modelType } from '#shared/models/onnx/onnx-messages.ts'
import { servePage } from '../../engine/serve-page.ts'
import { launchBrowser } from '../../fixtures/browser.ts'
import { makeLargeModel } from '../../storage/large-model.ts'
import { startOrigin } from '../../storage/origin-server.ts'
import type { Allocated } from '../../storage/page/counting-worker.ts'
import type {} from '../../storage/page/main.ts'
import type { BenchOptions } from '../figure.ts'

const SOURCE = fileURLToPath(new URL('../../storage/page', import.meta.url))
/** So many times the largest single buffer is hoped for. */
const MOST = 1.2

/** How much memory of JavaScript's a load takes at most, for weights in the graph's file and beside it. */
export async function measureLoadPeaks({
  quick,
  print,
}: Pick<BenchOptions, 'quick' | 'print'>): Promise<void> {
  await using served = await servePage({ source: SOURCE, models: {} })
  const browser = await launchBrowser({ hasGpu: false })
  try {
    for (const dataFiles of [0, 2]) {
      const made = makeLargeModel(dataFiles, quick ? { layers: 1 } : {})
      const { bytes, checkingBytes, largest } = await loadOnce(browser, served.url, made)
      const given = await largestGiven(made)
      const peak = bytes - checkingBytes
      const note =
        `all buffers that JavaScript made in the engine's worker from the first file that was read until the graph stood, ` +
        `given back or not (no moment had more): ${mb(peak)}, the largest ${mb(largest)}; ` +
        `ORT must be given one of ${mb(given)}; not counted: its own heap, and ${mb(checkingBytes)} of buffers ` +
        `of 1 MiB at most through which files were hashed before`
      print(
        {
          bench: 'weights',
          metric: 'loadPeakRatio',
          case: { weights: dataFiles === 0 ? 'in the graph' : 'beside the graph', dtype: 'fp32' },
          value: peak / given,
          unit: 'times the largest buffer',
          note,
        },
        { atMost: MOST },
      )
    }
  } finally {
    await browser.close()
  }
}

async function loadOnce(
  browser: Browser,
  url: string,
  { manifest, files }: MadeModel,
): Promise<Omit<Allocated, 'kind'>> {
  await using origin = await startOrigin(files)
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction(() => 'weightsRoom' in window)
    const failure = await page.evaluate(([what, where]) => window.weightsRoom.bring(what, where), [
      manifest,
      origin.url,
    ] as const)
    if (failure) throw new Error(`the model did not come: ${failure}`)
    const loaded = await page.evaluate((what) => window.weightsRoom.load(what), manifest)
    if (!loaded.kept) throw new Error('the engine did not start from the store')
    return loaded
  } finally {
    await context.close()
  }
}

/** The graph's own bytes in one, and each weight that lies beside it. */
async function largestGiven({ manifest, files }: MadeModel): Promise<number> {
  const bytes = await files.read(manifest.weights)
  const { graph } = modelType.decode(bytes)
  return Math.max(bytes.length, graph ? largestExternalBytes(graph) : 0)
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
