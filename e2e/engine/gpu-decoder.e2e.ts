import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SKETCH_SIZE } from '#shared/engine/score/sketch.ts'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { expectSameAnswer } from './compare-family.ts'
import { openFasterGpu, subgroupSize, type EngineTab } from './engine-tab.ts'
import type { Written } from './page/write-texts.ts'

/** Of lavapipe's subgroups. */
const LANES = 8
const COUNT = 8
/** Devices were seen to differ by 1.5e-5. */
const TOLERANCE = 1e-3
const SLOW = { timeout: 300_000 }

describe('the decoder on a GPU', () => {
  let tab: EngineTab
  let page: Page
  /** Two short ones and one whose answer outgrows the first cache, 256 tokens. */
  let prompts: number[][]
  /** What wasm writes after each, greedily. */
  let expected: Written[]

  beforeAll(async () => {
    const { tokenizer } = await readTinyModel('fp32')
    const chat = ['Once upon a time', 'Lily and Tom went to the park. They saw a big red ball.'].map(
      (content) => [...tokenizer.encodeChat([{ role: 'user', content }])],
    )
    const long = Array.from({ length: 250 }, (_, i) => chat[1]?.[i % chat[1].length] ?? 0)
    prompts = [...chat, long]
    tab = await openFasterGpu()
    page = tab.page
    expected = await page.evaluate(
      async ([prompts, count]) => {
        const room = await window.decoderRoom()
        await room.open('wasm')
        const answers = []
        for (const prompt of prompts) answers.push(await room.alone(prompt, { count, picking: 'all logits' }))
        return answers
      },
      [prompts, COUNT] as const,
    )
  }, SLOW.timeout)
  afterAll(() => tab?.[Symbol.asyncDispose]())

  it(
    'hands over every exact winner of a preselection, near-ties included, and the logits of its sketch',
    SLOW,
    async () => {
      const report = await page.evaluate(async () => (await window.decoderRoom()).checkPreselection())
      expect(report.wrong).toEqual([])
      expect(report.noiseError).toBeLessThan(2 ** -17)
      // Draws that cannot be proved are the exactly tied ones, one kind of eight, and the flat one without noise.
      expect(report.right + report.unproved).toBe(report.draws)
      expect(report.unproved).toBeLessThan(report.draws / 4)
    },
  )

  it('begins a variable of a loop anew, with the zero that is written into each shader', SLOW, async () => {
    const sums = await page.evaluate(async () => (await window.decoderRoom()).addUpInLoops())
    expect(sums).toEqual([3, 3, 3, 3])
  })

  it.each([
    ['uncaptured', { captures: false }],
    ['captured', { readsAhead: false }],
    ['captured, reading ahead', {}],
  ])('writes what wasm writes: %s', SLOW, async (name, options) => {
    const [first, second] = await page.evaluate(
      async ([prompt, count, options]) => {
        const room = await window.decoderRoom()
        await room.open('webgpu', options)
        const write = () => room.alone(prompt, { count, picking: 'greedy' })
        return [await write(), await write()] as const
      },
      [prompts[0] ?? [], COUNT, options] as const,
    )
    expectSame([first, second], [expected[0], expected[0]])
    // The prompt, and each step that was not captured: the second text finds the graph of the first.
    expect(second.runs).toBe(name === 'uncaptured' ? COUNT : 1)
  })

  describe('with all that makes it fast', () => {
    beforeAll(async () => {
      await page.evaluate(async () => (await window.decoderRoom()).open('webgpu'))
    }, SLOW.timeout)

    it('gives rows that join, leave and grow what they get alone', SLOW, async () => {
      const answers = await page.evaluate(
        async ([prompts, count]) => (await window.decoderRoom()).together(prompts, count),
        [prompts, COUNT] as const,
      )
      expectSame(answers, expected)
    })

    it('begins several texts as each would alone', SLOW, async () => {
      const [short = [], longer = []] = prompts
      const answers = await page.evaluate(
        async ([prompts, count]) => (await window.decoderRoom()).begun(prompts, count),
        [[short, longer, short], COUNT] as const,
      )
      expectSame(answers, [expected[0], expected[1], expected[0]])
    })

    it('writes the same however a prompt is cut, and with all logits read', SLOW, async () => {
      const answers = await page.evaluate(
        async ([prompt, count]) => {
          const room = await window.decoderRoom()
          const each = [
            { picking: 'greedy' as const, segments: [1, 3, 2] },
            { picking: 'all logits' as const },
          ]
          const answers = []
          for (const way of each) answers.push(await room.alone(prompt, { count, ...way }))
          return answers
        },
        [prompts[1] ?? [], COUNT] as const,
      )
      expectSame(answers, [expected[1], expected[1]])
    })

    it('draws by the hint what the sampler draws of all logits', SLOW, async () => {
      const { drawn, exact } = await page.evaluate(
        async ([prompt, count]) => {
          const room = await window.decoderRoom()
          const drawn = (await room.alone(prompt, { count, picking: 'drawn' })).tokens
          return { drawn, exact: await room.drawnOfAll(prompt, drawn) }
        },
        [prompts[0] ?? [], COUNT] as const,
      )
      expect(drawn).toHaveLength(COUNT)
      expect(exact).toEqual(drawn)
      expect(drawn).not.toEqual(expected[0]?.tokens)
    })

    it('scores a text as steps would', SLOW, async () => {
      const prompt = prompts[1] ?? []
      const best = await page.evaluate(
        async ([text, from]) => (await window.decoderRoom()).bestByScore(text, from),
        [[...prompt, ...(expected[1]?.tokens ?? [])], prompt.length - 1] as const,
      )
      expect(best.slice(0, -1)).toEqual(expected[1]?.tokens)
    })

    it('brings the logits of sketches beside what it draws, those of a score', SLOW, async () => {
      const { gathered, scored } = await page.evaluate(
        async ([prompt, count]) => (await window.decoderRoom()).sketchTwice(prompt, count),
        [prompts[0] ?? [], COUNT] as const,
      )
      expect(gathered.map(({ length }) => length)).toEqual(Array(COUNT).fill(SKETCH_SIZE))
      const pairs = gathered.flat().map((value, i) => Math.abs(value - (scored.flat()[i] ?? NaN)))
      expect(Math.max(...pairs)).toBeLessThan(TOLERANCE)
    })

    it('leaves no byte on the GPU when it is closed', SLOW, async () => {
      expect(await page.evaluate(async () => (await window.decoderRoom()).close())).toBe(0)
    })
  })

  // One with lengths from a mask compiles its shaders anew for each length: `families.long.e2e.ts` has that one, too.
  it.each(FAMILIES.filter(({ exporter }) => exporter === 'genai').map(({ family }) => family.id))(
    'answers as wasm does with a model of another family: %s',
    SLOW,
    (family) => expectSameAnswer(page, family, 'fp32'),
  )

  it('computes attention right with subgroups of 8 lanes', SLOW, async ({ skip }) => {
    if ((await subgroupSize(page)) !== LANES) skip('no subgroups of 8 lanes here')
    const other = await page.context().newPage()
    await other.goto(page.url())
    const reports = await other.evaluate(async () =>
      (await window.decoderRoom()).tryWithSubgroups('GroupQueryAttention'),
    )
    expect(reports.map(({ variant }) => variant)).toContain('prefill, heads of 32')
    expect(reports.filter(({ maxDiff, limit }) => !(maxDiff <= limit))).toEqual([])
  })
})

/** The same tokens, of the same logits as far as two devices have the same. */
function expectSame(answers: readonly Written[], expected: readonly (Written | undefined)[]): void {
  expect(answers.map(({ tokens }) => tokens)).toEqual(expected.map((answer) => answer?.tokens))
  const differences = answers.flatMap(({ logits }, i) =>
    logits.map((logit, at) => Math.abs(logit - (expected[i]?.logits[at] ?? NaN))),
  )
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE)
}
