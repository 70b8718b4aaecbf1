import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backend } from '#shared/engine/engine.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { mayInstallLavapipe } from '../lavapipe/lavapipe-chromium.ts'
import { NoAdapter, openEngineTab, subgroupSize, type SoftwareGpu } from './engine-tab.ts'
import type { RoomScore } from './page/engine-room.ts'

/** What another device may differ by and still have drawn the same token. */
const MARGIN = 1e-3
const TOKENS = 256
/** Hot, so that the draw decides and not the model alone; nothing is filtered, so that every margin is a number. */
const SAMPLER = { temperature: 1, topP: 1 } as const

interface Answer {
  readonly promptTokens: readonly number[]
  readonly outputTokens: readonly number[]
  readonly seed: readonly number[]
}

/** Under the seeds that drew the tokens, all of them; and under seeds that did not, those of the first answer. */
interface Check {
  readonly own: readonly RoomScore[]
  readonly other: readonly RoomScore[]
}

describe('seeded tokens that one backend made, checked by the others', () => {
  const open = new AsyncDisposableStack()
  let swiftshader: Page
  let answers: readonly Answer[]
  let onWasm: Check

  beforeAll(async () => {
    swiftshader = open.use(await openEngineTab('swiftshader')).page
    await load(swiftshader, 'wasm')
    answers = await write(swiftshader, { atOnce: 1 })
    onWasm = await check(swiftshader, answers)
  })
  afterAll(() => open.disposeAsync())

  it('are its own draws where they were made, and nobody else’s', () => {
    expect(onWasm.own.map(({ margin }) => margin)).toEqual(Array.from({ length: TOKENS }, () => 0))
    const misses = onWasm.other.filter(({ margin }) => margin > MARGIN)
    expect(misses.length).toBeGreaterThan(onWasm.other.length / 20)
  })

  it.for(['swiftshader', 'lavapipe'] as const)(
    'are equal or within the margin on %s',
    { timeout: 300_000 },
    async (gpu, { skip }) => {
      const page = gpu === 'swiftshader' ? swiftshader : await openOrSkip(open, gpu, skip)
      expect(await subgroupSize(page)).toBe(gpu === 'lavapipe' ? 8 : 4)
      await load(page, 'webgpu')
      const onGpu = await check(page, answers)
      judge(`those of wasm on ${gpu}`, onGpu, onWasm)
      if (gpu === 'swiftshader') return
      // The other way round, and written as a batch: on SwiftShader this would take minutes.
      const written = await write(page, { atOnce: 8 })
      const byGpu = await check(page, written)
      await load(page, 'wasm')
      judge(`those of ${gpu} on wasm`, await check(page, written), byGpu)
    },
  )
})

function judge(what: string, checked: Check, byMaker: Check): void {
  const margins = checked.own.map(({ margin }) => margin)
  const equal = margins.filter((margin) => margin === 0).length
  console.log(
    `${what}: ${equal} of ${TOKENS} tokens equal, largest margin ${Math.max(...margins)}, ` +
      `largest logit difference ${largestDifference(checked, byMaker).toExponential(1)}`,
  )
  expect(margins).toHaveLength(TOKENS)
  expect(Math.max(...margins)).toBeLessThanOrEqual(MARGIN)
}

async function openOrSkip(
  open: AsyncDisposableStack,
  gpu: SoftwareGpu,
  skip: (note: string) => never,
): Promise<Page> {
  try {
    return open.use(await openEngineTab(gpu)).page
  } catch (thrown) {
    if (!(thrown instanceof NoAdapter) || mayInstallLavapipe) throw thrown
    console.error(`SKIPPED, nothing is checked on ${gpu}: ${thrown.message}`)
    return skip(thrown.message)
  }
}

/** Ends what the page had loaded. */
async function load(page: Page, backend: Backend): Promise<void> {
  await page.evaluate(async (backend) => {
    await window.engineRoom.close()
    await window.engineRoom.load({ id: 'infernet-tiny', dtype: 'fp32', backend })
  }, backend)
}

/** Stories with a seed each, until there are enough tokens; the last ones are cut. */
async function write(page: Page, { atOnce }: { atOnce: number }): Promise<Answer[]> {
  const { tokenizer } = await readTinyModel('fp32')
  const answers: Answer[] = []
  for (let left = TOKENS, story = 0; left > 0;) {
    const requests = Array.from({ length: Math.min(atOnce, left) }, () => {
      const i = story++
      const content = `Tell me a story about a ${['fox', 'cat', 'dog', 'bear'][i % 4]}.`
      const promptTokens = tokenizer.encodeChat([{ role: 'user', content }])
      const seed = Array.from({ length: 32 }, (_, byte) => (37 * i + byte) % 256)
      return { promptTokens, sampler: SAMPLER, seed, maxTokens: Math.ceil(left / atOnce) }
    })
    const written = await page.evaluate((asked) => window.engineRoom.answer(asked), requests)
    for (const [i, { promptTokens, seed }] of requests.entries()) {
      const outputTokens = written[i]?.tokens.slice(0, left) ?? []
      if (written[i]?.tokens.length === 0) throw new Error('an answer without a token')
      if (outputTokens.length > 0) answers.push({ promptTokens, outputTokens, seed })
      left -= outputTokens.length
    }
  }
  return answers
}

async function check(page: Page, answers: readonly Answer[]): Promise<Check> {
  const scoreAll = async (
    answers: readonly Answer[],
    seedOf: (answer: Answer) => readonly number[],
  ): Promise<RoomScore[]> => {
    const scores: RoomScore[] = []
    for (const answer of answers) {
      const request = { ...answer, seed: seedOf(answer), sampler: SAMPLER }
      scores.push(...(await page.evaluate((asked) => window.engineRoom.score(asked), request)))
    }
    return scores
  }
  return {
    own: await scoreAll(answers, ({ seed }) => seed),
    other: await scoreAll(answers.slice(0, 1), ({ seed }) => seed.map((byte) => byte ^ 1)),
  }
}

/**
 * The margin under a seed that did not draw the token is the difference of two logits and of two numbers that are the
 * same everywhere, so margins of two backends differ by as much as their logits do. (A sketch would say less: a half
 * rounds away all that devices differ by.)
 */
function largestDifference({ other: some }: Check, { other }: Check): number {
  return Math.max(...some.map(({ margin }, t) => Math.abs(margin - (other[t]?.margin ?? NaN))))
}
