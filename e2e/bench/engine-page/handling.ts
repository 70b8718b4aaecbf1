import { createSampler } from '#shared/engine/sampler/sampler.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { createTextStream } from '#shared/engine/tokenizer/text-stream.ts'

export interface HandlingInit {
  /** Folder below the page's `models/`. */
  readonly id: string
  readonly vocabSize: number
}

/** Of one token, in milliseconds. */
export interface HandlingMs {
  /** Drawing it from all logits, with top-p, as where the device preselects nothing. */
  readonly sampler: number
  /** Its share of applying the template and of encoding the prompt, and its text. */
  readonly tokenizer: number
}

const TOKENS = 64
const RUNS = 5
const SAMPLER = { temperature: 0.8, topP: 0.95 }
const MESSAGES = [{ role: 'user', content: 'Tell me a story about a fox and a lantern.' }] as const

/** What each token of an answer costs outside the model, the best of some runs in this page. */
export async function handlingMs({ id, vocabSize }: HandlingInit): Promise<HandlingMs> {
  const read = async (name: string): Promise<Record<string, unknown>> =>
    (await fetch(`models/${id}/${name}`)).json() as Promise<Record<string, unknown>>
  const tokenizer = createChatTokenizer({
    tokenizerJson: await read('tokenizer.json'),
    tokenizerConfig: await read('tokenizer_config.json'),
    generationConfig: await read('generation_config.json'),
    contextLength: 2048,
  })
  const values = Float32Array.from({ length: vocabSize }, (_, v) => 3 * spread(v))
  const best = { sampler: Infinity, tokenizer: Infinity }
  for (let run = 0; run < RUNS; run++) {
    let begun = performance.now()
    const promptTokens = tokenizer.encodeChat(MESSAGES)
    const text = createTextStream(tokenizer)
    for (let t = 0; t < TOKENS; t++) text.push([40 + ((7 * t) % 900)])
    best.tokenizer = Math.min(best.tokenizer, (performance.now() - begun) / TOKENS)

    const context = { promptTokens, priorTokens: [], vocabSize, eosTokens: new Set<number>() }
    begun = performance.now()
    const sampler = createSampler(SAMPLER, new Uint8Array(32).fill(run), context)
    for (let t = 0; t < TOKENS; t++) sampler.pick({ ids: undefined, values })
    best.sampler = Math.min(best.sampler, (performance.now() - begun) / TOKENS)
  }
  return best
}

/** Twelve uniform numbers less six: nearly normal, with deviation 1, as logits of these models are with 3. */
function spread(v: number): number {
  let sum = -6
  let word = (v + 1) * 2654435761
  for (let i = 0; i < 12; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0
    sum += word / 2 ** 32
  }
  return sum
}
