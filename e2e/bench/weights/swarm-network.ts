import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { PIECE_BYTES, type Manifest, type ManifestFile } from '#shared/models/manifest.ts'
import { startRelayProcess } from '../../fixtures/relay-process.ts'
import { buildBenchPage } from '../build-pages.ts'
import type { KeptIn, WeightsRequest } from '../page/weights-tab.ts'
import type {} from '../page/main.ts'

const FOLDER = 'bench-weights'
const PATH = 'onnx/model.onnx'

/**
 * Two tabs of the product, each of an origin with files of its own (two names of this machine), and a relay that serves
 * them and one model.
 */
export interface SwarmNetwork extends AsyncDisposable {
  /** The tab that takes. */
  readonly to: Page
  /** Bytes a second, from the first that comes until all is checked and kept. */
  take(keptIn: KeptIn, from: 'peers' | 'origin'): Promise<number>
}

export async function startSwarm(context: BrowserContext, bytes: number): Promise<SwarmNetwork> {
  await using cleanUp = new AsyncDisposableStack()
  const models = mkdtempSync(join(tmpdir(), 'infernet-bench-weights-'))
  cleanUp.defer(() => rmSync(models, { recursive: true, force: true }))
  const file = writeFile(join(models, FOLDER), bytes)
  const folders = ['--page-folder', await buildBenchPage(), '--models-folder', models]
  const relay = await startRelayProcess({ args: ['--seed-provider', 'off', ...folders] })
  cleanUp.defer(() => relay.stop())
  const open = async (url: string): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction(() => 'weights' in window)
    return page
  }
  const [from, to] = [await open(relay.url), await open(otherName(relay.url))]
  const requestOf = (keptIn: KeptIn): WeightsRequest => ({
    manifest: manifestOf(file, `bench-${keptIn}`), // of a name of its own, so that each store's is asked for
    folder: `models/${FOLDER}/`,
    keptIn,
  })
  for (const keptIn of ['opfs', 'memory'] as const)
    await from.evaluate((asked) => window.weights.seed(asked), requestOf(keptIn))
  const end = cleanUp.move()
  return {
    to,
    async take(keptIn, source) {
      const asked = [requestOf(keptIn), source] as const
      const ms = await to.evaluate(([request, way]) => window.weights.take(request, way), asked)
      return (bytes / ms) * 1000
    },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  }
}

/** The same place by another name: another origin, with a process and with files of its own. */
export function otherName(url: string): string {
  return url.replace('127.0.0.1', 'localhost')
}

/** Random bytes: nothing on the way can make them smaller. */
function writeFile(folder: string, size: number): ManifestFile {
  const bytes = randomBytes(size)
  mkdirSync(join(folder, dirname(PATH)), { recursive: true })
  writeFileSync(join(folder, PATH), bytes)
  const pieces = Array.from({ length: Math.ceil(size / PIECE_BYTES) }, (_, piece) =>
    sha256(bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES)),
  )
  return { path: PATH, size, sha256: sha256(bytes), pieces }
}

function manifestOf(file: ManifestFile, id: string): Manifest {
  return {
    format: 'infernet/model/1',
    id,
    name: 'Random weights',
    task: 'text-generation',
    dtype: 'fp32',
    weights: file.path,
    contextLength: 128,
    vocabSize: 128,
    files: [file],
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
