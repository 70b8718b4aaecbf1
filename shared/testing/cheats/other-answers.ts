import type { TokenId } from '../../base/ids.ts'
import type { TokenBatch } from '../../engine/engine.ts'
import { SKETCH_SIZE } from '../../engine/score/sketch.ts'
import { sellingAs, wholeAnswer, type CheatingEngine } from './cheat.ts'
import { madeUpSketches } from './signed-sketches.ts'

/** The seed of whoever asked first. */
const FIRST_SEED = Uint8Array.from({ length: 32 }, (_, i) => 17 * i)

/** Answers that a cheat keeps; the one that was kept longest goes first. */
const MAX_KEPT = 64

/** Gives everybody who asks the same the answer that the first one got, with the sketches of that time. */
export const copiedAnswer: CheatingEngine = ({ honest }) => {
  const kept = new Map<string, TokenBatch>()
  return sellingAs(honest, async function* (request, options) {
    const key = request.promptTokens.join()
    const known = kept.get(key)
    const answer = known ?? (await wholeAnswer(honest.generate({ ...request, seed: FIRST_SEED }, options)))
    kept.set(key, answer)
    for (const eldest of kept.keys()) if (kept.size > MAX_KEPT) kept.delete(eldest)
    yield answer
  })
}

/** Gives the answer to another question to everybody, with the sketches that are right there. */
export const cannedAnswer: CheatingEngine = ({ honest, cannedPrompt }) => {
  let canned: { readonly answer: Promise<TokenBatch>; readonly maxTokens: number } | undefined
  return sellingAs(honest, async function* ({ maxTokens, sampler, seed }) {
    if (!canned || canned.maxTokens < maxTokens) {
      const request = {
        promptTokens: cannedPrompt,
        priorTokens: [],
        sampler,
        seed,
        maxTokens,
        sketches: true,
      }
      canned = { answer: wholeAnswer(honest.generate(request)), maxTokens }
    }
    yield firstTokens(await canned.answer, maxTokens)
  })
}

/** How much of what was asked for it writes. */
const STOPPED_SHARE = 0.25

/** Writes a quarter of what was asked for, rightly, and says that the answer is over. */
export const earlyStop: CheatingEngine = ({ honest }) =>
  sellingAs(honest, async function* (request, options) {
    const most = Math.max(1, Math.floor(request.maxTokens * STOPPED_SHARE))
    const answer = await wholeAnswer(honest.generate({ ...request, maxTokens: most }, options))
    yield { ...answer, finish: 'stop' }
  })

/** One token in so many is one that nobody sees, and that everybody pays for. */
const FILLER_EVERY = 5

/** Puts tokens between those of the model that no page shows; each has the sketch of the one before it. */
export const inflatedUsage: CheatingEngine = ({ honest, filler }) =>
  sellingAs(honest, async function* (request, options) {
    const { maxTokens } = request
    const written = Math.max(1, maxTokens - Math.floor(maxTokens / FILLER_EVERY))
    const { tokens, sketches, finish } = await wholeAnswer(
      honest.generate({ ...request, maxTokens: written }, options),
    )
    const padded: TokenId[] = []
    const from: number[] = []
    for (const [at, token] of tokens.entries()) {
      padded.push(token)
      from.push(at)
      if ((at + 1) % (FILLER_EVERY - 1) > 0 || at === tokens.length - 1) continue
      padded.push(filler)
      from.push(at)
    }
    yield { tokens: padded, sketches: sketches && pick(sketches, from), finish }
  })

/** The right tokens under sketches that nobody computed: what a provider signs that runs an engine without them. */
export const wrongSketches: CheatingEngine = ({ honest }) =>
  sellingAs(honest, async function* (request, options) {
    let at = request.priorTokens.length
    for await (const batch of honest.generate({ ...request, sketches: false }, options)) {
      const { length } = batch.tokens
      yield { ...batch, ...(request.sketches ? { sketches: madeUpSketches(length, at) } : {}) }
      at += length
    }
  })

function firstTokens({ tokens, sketches, finish }: TokenBatch, count: number): TokenBatch {
  if (tokens.length <= count) return { tokens, sketches, finish }
  return {
    tokens: tokens.slice(0, count),
    sketches: sketches?.slice(0, count * SKETCH_SIZE),
    finish: 'length',
  }
}

function pick(sketches: Uint16Array, from: readonly number[]): Uint16Array {
  const picked = new Uint16Array(from.length * SKETCH_SIZE)
  for (const [to, at] of from.entries())
    picked.set(sketches.subarray(at * SKETCH_SIZE, (at + 1) * SKETCH_SIZE), to * SKETCH_SIZE)
  return picked
}
