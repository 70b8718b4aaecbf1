import { describe, expect, it } from 'vitest'
import { STEP_TEXTS, STEP_TOKENS, type Encoder } from './encoder.ts'
import { TextBatcher } from './text-batcher.ts'

const never = new AbortController().signal

/** Tells what each step computed; a vector is a text's first token. */
function createBatcher({ maxRequests = 8, wait }: { maxRequests?: number; wait?: Promise<void> } = {}) {
  const steps: (readonly number[])[][] = []
  const encoder: Encoder = {
    dimensions: 1,
    async run(texts) {
      steps.push([...texts])
      await wait
      return Float32Array.from(texts, ([first = NaN]) => first)
    },
    close: async () => undefined,
  }
  const parts = { encoder, now: () => 0, breathe: async () => undefined }
  const init = { maxRequests, onBroken: () => undefined, dying: never }
  return { batcher: new TextBatcher(parts, init), steps }
}

const text = (first: number, length: number): number[] => [
  first,
  ...Array.from({ length: length - 1 }, () => 0),
]

describe('the batcher of texts', () => {
  it('puts texts of several requests into one step and gives each its own', async () => {
    const { batcher, steps } = createBatcher()
    const asked = [
      batcher.embed({ texts: [text(1, 5), text(2, 9)], client: 'a' }, never),
      batcher.embed({ texts: [text(3, 2)], client: 'b' }, never),
    ]
    expect((await Promise.all(asked)).map((vectors) => [...vectors])).toEqual([[1, 2], [3]])
    expect(steps.map((step) => step.map(([first]) => first))).toEqual([[2, 3, 1]])
  })

  it('keeps every step within its tokens, padding counted, and its texts', async () => {
    const { batcher, steps } = createBatcher()
    const lengths = Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 100))
    const texts = lengths.map((length, i) => text(i, length))
    expect([...(await batcher.embed({ texts }, never))]).toEqual(lengths.map((_, i) => i))
    for (const step of steps) {
      expect(step.length * Math.max(...step.map(({ length }) => length))).toBeLessThanOrEqual(STEP_TOKENS)
      expect(step.length).toBeLessThanOrEqual(STEP_TEXTS)
    }
    // Sorted by length, little of a step is padding.
    const padded = steps.reduce(
      (sum, step) => sum + step.length * Math.max(...step.map(({ length }) => length)),
      0,
    )
    expect(padded).toBeLessThan(1.15 * lengths.reduce((sum, length) => sum + length, 0))
  })

  it('computes a text that is longer than a step alone', async () => {
    const { batcher, steps } = createBatcher()
    await batcher.embed({ texts: [text(1, STEP_TOKENS + 1), text(2, 1)] }, never)
    expect(steps.map(({ length }) => length)).toEqual([1, 1])
  })

  it('lets one who asks for little pass one who asks for much', async () => {
    const { batcher, steps } = createBatcher()
    const much = batcher.embed(
      { texts: Array.from({ length: 100 }, () => text(1, 100)), client: 'much' },
      never,
    )
    const little = batcher.embed({ texts: [text(2, 100)], client: 'little' }, never)
    await little
    expect(steps[0]?.some(([first]) => first === 2)).toBe(true)
    expect(steps.length).toBeLessThan(4)
    await much
    expect(steps).toHaveLength(11)
  })

  it('refuses more requests than it may hold, and takes new ones when some are done', async () => {
    const { promise: wait, resolve } = Promise.withResolvers<void>()
    const { batcher } = createBatcher({ maxRequests: 2, wait })
    const held = [1, 2].map((first) => batcher.embed({ texts: [text(first, 1)] }, never))
    await expect(batcher.embed({ texts: [text(3, 1)] }, never)).rejects.toMatchObject({
      code: 'engine.queue-full',
      facts: { limit: 2 },
    })
    resolve()
    await Promise.all(held)
    expect([...(await batcher.embed({ texts: [text(3, 1)] }, never))]).toEqual([3])
  })

  it('ends a request between two steps, and computes nothing more of it', async () => {
    const { promise: wait, resolve } = Promise.withResolvers<void>()
    const { batcher, steps } = createBatcher({ wait })
    const stop = new AbortController()
    const texts = Array.from({ length: 50 }, () => text(1, 100))
    const stopped = batcher.embed({ texts }, stop.signal)
    await new Promise((resolve) => setImmediate(resolve))
    stop.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    resolve()
    await batcher.embed({ texts: [text(2, 1)] }, never)
    expect(steps.map(({ length }) => length)).toEqual([10, 1])
  })
})
