import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { vectorFromHex } from '#shared/engine/encoder/golden-vectors.ts'
import { distance } from '#shared/engine/encoder/test-encoder.ts'
import type { Backend } from '#shared/engine/engine.ts'
import { readReference } from '#shared/model-kit/use-lite/make-encoder.ts'
import { openEngineTab, type EngineTab, type SoftwareGpu } from './engine-tab.ts'

const WRITE = fileURLToPath(new URL('../../shared/model-kit/use-lite/write-encoder.ts', import.meta.url))
const PAGE = fileURLToPath(new URL('./page', import.meta.url))

/** On wasm and on software GPUs alike: 9.5e-7 is the most that was seen. */
const BOUND = 1e-5

/** A tab with the engine's page and the sentence encoder beside it. */
export async function openEncoderTab(gpu: SoftwareGpu): Promise<EngineTab> {
  await using cleanUp = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'infernet-encoder-'))
  cleanUp.defer(() => rmSync(folder, { recursive: true, force: true }))
  const model = join(folder, 'sentence-encoder-en')
  execFileSync(process.execPath, [WRITE, model])
  const { page } = cleanUp.use(
    await openEngineTab(gpu, { source: PAGE, models: { 'sentence-encoder-en': model } }),
  )
  const open = cleanUp.move()
  return { page, [Symbol.asyncDispose]: () => open.disposeAsync() }
}

/** Computes the reference texts in a worker of the page, alone and together, and holds them against the bound. */
export async function expectReferenceVectors({ page }: EngineTab, backend: Backend): Promise<void> {
  const { loadMs } = await page.evaluate(
    (backend) => window.engineRoom.load({ id: 'sentence-encoder-en', dtype: 'fp32', backend }),
    backend,
  )
  const reference = await readReference()
  const texts = reference.map(({ tokens }) => tokens)
  const asked = [texts, ...texts.map((text) => [text])]
  const answers = await page.evaluate(async (asked) => {
    const answers = []
    for (const texts of asked) answers.push(await window.engineRoom.embed(texts))
    await window.engineRoom.close()
    return answers
  }, asked)
  const [together = [], ...alone] = answers
  const worst = reference.map(({ vector }, i) => {
    const wanted = vectorFromHex(vector)
    const found = [together.slice(i * wanted.length, (i + 1) * wanted.length), alone[i] ?? []]
    return Math.max(...found.map((numbers) => distance(Float32Array.from(numbers), wanted)))
  })
  console.log(`${backend}: largest difference ${Math.max(...worst)}, loaded in ${Math.round(loadMs)} ms`)
  expect(Math.max(...worst)).toBeLessThan(BOUND)
}
