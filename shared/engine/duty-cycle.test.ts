import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { realClock } from '../testing/real-clock.ts'
import { readTinyModel, wasmComponents } from '../testing/tiny-model.ts'
import { createEngine } from './create-engine.ts'
import type { Engine } from './engine.ts'
import type { OrtRuntime } from './ort-runtime.ts'
import { createDutyPace, type Pace } from './pace.ts'

/** How long it is watched. */
const WATCH_MS = 2000

/** A stretch of time in which something computed. */
interface Span {
  readonly from: number
  readonly to: number
}

describe('the share of the time that a real engine computes', () => {
  let share = 1
  /** Its steps, as it tells its pace, and the runs of the graph in them, as the runtime sees them. */
  const steps: Span[] = []
  const runs: Span[] = []
  let engine: Engine
  let promptTokens: readonly number[]

  beforeAll(async () => {
    const { manifest, files, tokenizer } = await readTinyModel('fp32')
    promptTokens = tokenizer.encodeChat([{ role: 'user', content: 'Tell me a story about a fox.' }])
    const components = await wasmComponents(files)
    const pace = noting(
      createDutyPace(realClock, () => share),
      steps,
    )
    engine = await createEngine({ ...components, ort: timed(components.ort, runs), pace }, { manifest })
  }, 60_000)
  afterAll(() => engine.close())

  it.each([0.4, 0.25])('is %d within a tenth where that is allowed', async (allowed) => {
    await writeFor(WATCH_MS, allowed)
    const { from = 0 } = steps[0] ?? {}
    // Up to the beginning of a step, so that the rest after each one counts.
    const to = steps.at(-1)?.from ?? 0
    expect(to - from).toBeGreaterThan(WATCH_MS * 0.8)
    const got = busy(steps, to) / (to - from)
    expect(got / allowed).toBeGreaterThan(0.9)
    expect(got / allowed).toBeLessThan(1.1)
    // What it says of itself is what was computed: little of a step is anything else.
    const computed = busy(runs, to)
    expect(computed / (to - from)).toBeLessThan(1.1 * allowed)
    expect(computed).toBeGreaterThan(0.6 * busy(steps, to))
  })

  it('is all of it where all is allowed', async () => {
    await writeFor(WATCH_MS / 2, 1)
    const lengths = steps.map(({ from, to }) => to - from)
    const gaps = steps.slice(1).map(({ from }, i) => from - (steps[i]?.to ?? 0))
    // By the median: other programs take their turns between two steps, where this one lets messages in.
    const [step, gap] = [median(lengths), median(gaps)]
    expect(step / (step + gap)).toBeGreaterThan(0.9)
  })

  /** Answers without end, one after the other. */
  async function writeFor(ms: number, allowed: number): Promise<void> {
    share = allowed
    steps.length = 0
    runs.length = 0
    const until = performance.now() + ms
    for (let i = 0; performance.now() < until; i++) {
      const request = { promptTokens, priorTokens: [], sampler: { temperature: 1, topP: 1 } }
      const seed = new Uint8Array(32).fill(i)
      for await (const _ of engine.generate({ ...request, seed, maxTokens: 500 }))
        if (performance.now() >= until) break
    }
  }
})

/** Of the spans that began before `end`. */
function busy(spans: readonly Span[], end: number): number {
  return spans.filter(({ from }) => from < end).reduce((sum, { from, to }) => sum + to - from, 0)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}

function noting(pace: Pace, into: Span[]): Pace {
  return {
    afterStep(busyMs) {
      const to = performance.now()
      into.push({ from: to - busyMs, to })
      return pace.afterStep(busyMs)
    },
  }
}

function timed(ort: OrtRuntime, into: Span[]): OrtRuntime {
  const create = async (...args: Parameters<OrtRuntime['InferenceSession']['create']>) => {
    const session = await ort.InferenceSession.create(...args)
    const run = session.run.bind(session) as (...given: unknown[]) => ReturnType<typeof session.run>
    session.run = async (...given: unknown[]) => {
      const from = performance.now()
      const results = await run(...given)
      into.push({ from, to: performance.now() })
      return results
    }
    return session
  }
  return { Tensor: ort.Tensor, InferenceSession: { create: create as typeof ort.InferenceSession.create } }
}
