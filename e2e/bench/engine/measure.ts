import type { Memory } from '../../engine/page/memory.ts'
import type { BenchModel } from '../models.ts'
import type { SideAnswers, SideRequest } from '../engine-page/side.ts'
import type { HandlingMs } from '../engine-page/handling.ts'
import { SIDES, type BenchTab, type SideName } from './bench-tab.ts'
import type { EngineCase } from './cases.ts'

/** How many answers at once. */
export const STREAMS = 8

/** Tokens that a verifier checks. */
const SCORED = 64

/** Each a token of its own in the bundled tokenizer, so that the prompts have one length. */
const ANIMALS = ['fox', 'cat', 'dog', 'bird', 'bear', 'mouse', 'horse', 'duck']

/** The speeds are in tokens a second. */
export interface SideSamples {
  readonly loadMs: number[]
  readonly prefill: number[]
  readonly decode: number[]
  /** One answer of the length of the streams, from the call to its end. */
  readonly one: number[]
  /** All of them at once. */
  readonly many: number[]
  /** Milliseconds of the processor for each token that the GPU wrote; empty on wasm. */
  readonly submitMs: number[]
}

type Held = Omit<Memory, 'submitMs'>

export interface CaseSamples {
  readonly ours: SideSamples
  readonly peer: SideSamples
  readonly memory: Readonly<Record<SideName, Held>>
  /** Milliseconds for checking as many tokens as `scored` says. */
  readonly scoreMs: number[]
  readonly scored: number
  readonly promptTokens: number
  readonly handling: HandlingMs
}

/** Measures both sides of a case by turns, so that what else the machine does falls on both. */
export async function measureCase(
  tab: BenchTab,
  on: EngineCase,
  model: BenchModel,
  { rounds, loads }: { rounds: number; loads: number },
): Promise<CaseSamples> {
  const samples = { ours: emptySamples(), peer: emptySamples() }
  const prompts = ANIMALS.map((animal) => model.encode(`Tell me a story about a ${animal}.`))
  const first = prompts[0] ?? []
  if (prompts.some(({ length }) => length !== first.length)) throw new Error('the prompts differ in length')
  const load = async (side: SideName): Promise<void> => {
    const { model: id, dtype, backend } = on
    const startMs = await tab.load(side, { id, dtype, backend })
    // Shaders are compiled by the first answer, so a load without one has not brought it into being.
    const { firstMs, spanMs } = await tab.answer(side, { prompts: [first], tokens: 1 })
    samples[side].loadMs.push(startMs + firstMs + spanMs)
  }
  // First of all, because after a worker has ended the browser takes a minute to say what is held.
  const before = await tab.memory()
  await load('ours')
  const withOurs = await tab.memory()
  console.error(`  ours runs ${await tab.streams()} answers at once here`)
  await load('peer')
  const withBoth = await tab.memory()
  const memory = { ours: less(withOurs, before), peer: less(withBoth, withOurs) }

  await warnWhereTokensDiffer(tab, { prompts: [first], tokens: on.decode })
  const long = Array.from({ length: Math.max(on.prefill, SCORED) }, (_, i) => first[i % first.length] ?? 0)
  for (let round = 0; round < rounds; round++)
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const of = samples[side]
      const ask = async (request: SideRequest): Promise<SideAnswers> =>
        check(await tab.answer(side, request), request)
      const read = await ask({ prompts: [long.slice(0, on.prefill)], tokens: 1 })
      of.prefill.push((on.prefill / (read.firstMs + read.spanMs)) * 1000)
      await tab.submitMs(side) // counts from here
      const written = await ask({ prompts: [first], tokens: on.decode })
      of.decode.push(((on.decode - 1) / written.spanMs) * 1000)
      if (on.backend === 'webgpu') of.submitMs.push((await tab.submitMs(side)) / (on.decode - 1))
      if (on.streamTokens === undefined) continue
      of.one.push(wholeSpeed(await ask({ prompts: [first], tokens: on.streamTokens })))
      of.many.push(wholeSpeed(await ask({ prompts, tokens: on.streamTokens })))
    }
  const scored = on.scored ?? SCORED
  const written = long.slice(0, scored)
  const scoreMs: number[] = []
  // The first one on a GPU compiles, which on lavapipe takes minutes where the next one takes seconds.
  const scorings = on.backend === 'webgpu' ? Math.max(2, rounds) : rounds
  for (let i = 0; i < scorings; i++) scoreMs.push(await tab.score(first, written))
  const handling = await tab.handlingMs({ id: on.model, vocabSize: model.vocabSize })
  for (const side of SIDES) await tab.close(side)
  for (let i = 1; i < loads; i++)
    for (const side of SIDES) {
      await load(side)
      await tab.close(side)
    }
  return { ...samples, memory, scoreMs, scored, promptTokens: first.length, handling }
}

function emptySamples(): SideSamples {
  return { loadMs: [], prefill: [], decode: [], one: [], many: [], submitMs: [] }
}

function less(after: Memory, before: Memory): Held {
  return {
    gpuBytes: after.gpuBytes - before.gpuBytes,
    gpuBuffers: after.gpuBuffers - before.gpuBuffers,
    wasmBytes: after.wasmBytes - before.wasmBytes,
    jsBytes: after.jsBytes - before.jsBytes,
  }
}

function wholeSpeed({ tokens, firstMs, spanMs }: SideAnswers): number {
  return (tokens.flat().length / (firstMs + spanMs)) * 1000
}

/** An answer that ended early would look fast. */
function check(answers: SideAnswers, { tokens: wanted }: SideRequest): SideAnswers {
  const short = answers.tokens.find(({ length }) => length !== wanted)
  if (short) throw new Error(`an answer has ${short.length} tokens, not ${wanted}`)
  return answers
}

/** Greedy and from the same graph: other tokens mean that one of the two computes something else. */
async function warnWhereTokensDiffer(tab: BenchTab, request: SideRequest): Promise<void> {
  const [[ours = []], [peer = []]] = [
    check(await tab.answer('ours', request), request).tokens,
    check(await tab.answer('peer', request), request).tokens,
  ] as const
  const at = ours.findIndex((token, i) => token !== peer[i])
  if (at >= 0) console.error(`WARNING: the tokens of the two sides differ from number ${at} on`)
}
