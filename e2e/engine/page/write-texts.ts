import { PREFILL_SEGMENT, type Decoder, type DrawHint, type Logits } from '#shared/engine/decoder/decoder.ts'
import { ln } from '#shared/engine/sampler/ln.ts'
import { philox4x32 } from '#shared/engine/sampler/philox.ts'
import { createSketcher } from '#shared/engine/score/sketch.ts'

/** Drives a bare decoder in the ways that a batcher does: tokens in, tokens out. */

const GREEDY: DrawHint = { temperature: 0, position: 0, seedWords: [0, 0, 0, 0] }
const DRAWN: DrawHint = { temperature: 0.9, position: 0, seedWords: [1, 2, 3, 0xffffffff] }

/** Who picks the tokens: the GPU the highest, the GPU by a seed, or the processor the highest of all logits. */
export type Picking = 'greedy' | 'drawn' | 'all logits'
const HINTS: Readonly<Record<Picking, DrawHint | undefined>> = {
  greedy: GREEDY,
  drawn: DRAWN,
  'all logits': undefined,
}

export interface Writing {
  readonly count: number
  readonly picking: Picking
  /** Lengths of the parts in which the prompt is read. @default as few as there can be */
  readonly segments?: readonly number[]
}

/** An answer; a cache that is wrong by a token shows in the logits long before it shows in the tokens. */
export interface Written {
  readonly tokens: number[]
  /** Of each token, what the model gave it. */
  readonly logits: number[]
}

/** Writes on after a prompt, with nobody else in the cache. */
export async function writeAlone(
  decoder: Decoder,
  prompt: readonly number[],
  { count, picking, segments = [] }: Writing,
): Promise<Written> {
  const hint = HINTS[picking]
  const at = (position: number): DrawHint | undefined => hint && { ...hint, position }
  const sequence = decoder.open()
  const parts = cut(prompt, segments)
  const last = parts.pop() ?? []
  for (const part of parts) await decoder.prefill(sequence, part)
  const answer: Written = { tokens: [], logits: [] }
  const { tokens } = answer
  let logits: Logits | undefined = await decoder.prefill(sequence, last, { hint: at(0) })
  for (;;) {
    add(answer, pick(logits, at(tokens.length)))
    if (tokens.length === count) break
    const token = tokens.at(-1) ?? 0
    ;[logits] = await decoder.step([{ sequence, token, hint: at(tokens.length) }])
  }
  sequence.dispose()
  return answer
}

/**
 * Writes on after several prompts in rows that share steps. One joins every third step, so that long and short rows,
 * new ones and leaving ones come together; each is read in two halves, by turns with the steps of those before it.
 */
export async function writeTogether(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  count: number,
): Promise<Written[]> {
  const answers = prompts.map((): Written => ({ tokens: [], logits: [] }))
  const rows = new Map<number, ReturnType<Decoder['open']>>()
  for (let turn = 0; answers.some(({ tokens }) => tokens.length < count); turn++) {
    const joining = turn / 3
    const prompt = prompts[joining]
    if (prompt) {
      const sequence = decoder.open()
      const half = prompt.length >> 1
      await decoder.prefill(sequence, prompt.slice(0, half))
      await step(turn)
      const last = await decoder.prefill(sequence, prompt.slice(half), { hint: GREEDY })
      add(answers[joining], pick(last, GREEDY))
      rows.set(joining, sequence)
    }
    await step(turn)
  }
  return answers

  async function step(turn: number): Promise<void> {
    // The order of a step is not the order of the rows, and a row asks for all logits now and then.
    const writers = [...rows].reverse()
    if (writers.length === 0) return
    const inputs = writers.map(([i, sequence]) => ({
      sequence,
      token: answers[i]?.tokens.at(-1) ?? 0,
      hint: (turn + i) % 4 === 0 ? undefined : { ...GREEDY, position: answers[i]?.tokens.length ?? 0 },
    }))
    const logits = await decoder.step(inputs)
    for (const [row, [i, sequence]] of writers.entries()) {
      add(answers[i], pick(logits[row], GREEDY))
      if ((answers[i]?.tokens.length ?? 0) < count) continue
      sequence.dispose()
      rows.delete(i)
    }
  }
}

/** Begins several prompts in one run, beside one that runs and in the place of one that left, and writes them on. */
export async function beginTogether(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  count: number,
): Promise<Written[]> {
  const [left, runs] = [decoder.open(), decoder.open()]
  for (const sequence of [left, runs]) await decoder.prefill(sequence, [5, 6, 7])
  left.dispose()
  const shortest = Math.min(...prompts.map(({ length }) => length))
  const begun = prompts.map((prompt) => ({ prompt, sequence: decoder.open() }))
  const logits = await decoder.begin(
    begun.map(({ prompt, sequence }) => ({
      sequence,
      tokens: prompt.slice(0, shortest),
      last: prompt.length === shortest ? { hint: GREEDY } : undefined,
    })),
  )
  const answers: Written[] = []
  for (const [i, { prompt, sequence }] of begun.entries()) {
    const first = logits[i] ?? (await decoder.prefill(sequence, prompt.slice(shortest), { hint: GREEDY }))
    const { token, logit } = pick(first, GREEDY)
    answers.push({ tokens: [token], logits: [logit] })
  }
  for (let position = 1; position < count; position++) {
    const inputs = begun.map(({ sequence }, i) => ({
      sequence,
      token: answers[i]?.tokens.at(-1) ?? 0,
      hint: { ...GREEDY, position },
    }))
    const next = await decoder.step(inputs)
    next.forEach((each, i) => add(answers[i], pick(each, GREEDY)))
  }
  for (const { sequence } of begun) sequence.dispose()
  runs.dispose()
  return answers
}

/** What the definition of the sampler draws of all logits, for an answer that was drawn from fewer. */
export async function drawOfAllLogits(
  decoder: Decoder,
  prompt: readonly number[],
  answer: readonly number[],
): Promise<number[]> {
  const sequence = decoder.open()
  const exact: number[] = []
  let logits: Logits | undefined = await decoder.prefill(sequence, prompt, { hint: undefined })
  for (const [position, token] of answer.entries()) {
    if (logits?.ids) throw new Error('some of the logits where all were asked for')
    exact.push(pick(logits, { ...DRAWN, position }).token)
    ;[logits] = await decoder.step([{ sequence, token, hint: undefined }])
  }
  sequence.dispose()
  return exact
}

/** The best next token after each token of a text from `from` on, by one teacher-forced run. */
export async function bestByScore(
  decoder: Decoder,
  text: readonly number[],
  from: number,
): Promise<number[]> {
  const sequence = decoder.open()
  const best: number[] = []
  await decoder.score(sequence, text, from, (values, index) => {
    best[index - from] = pick({ ids: undefined, values }, GREEDY).token
  })
  sequence.dispose()
  return best
}

/** Logits of the same places of an answer, one list a token. */
export interface SketchedTwice {
  /** As steps brought them beside what was drawn; none for a token where all logits came. */
  readonly gathered: number[][]
  /** Of all logits of one teacher-forced run. */
  readonly scored: number[][]
}

/** Writes greedily with the logits of sketches, and reads the same text again. */
export async function sketchTwice(
  decoder: Decoder,
  prompt: readonly number[],
  { count, vocabSize }: { readonly count: number; readonly vocabSize: number },
): Promise<SketchedTwice> {
  const sketch = createSketcher(new Uint8Array(32).fill(5), vocabSize)
  const hintAt = (position: number): DrawHint => ({ ...GREEDY, position, sketch })
  const sequence = decoder.open()
  const tokens: number[] = []
  const gathered: number[][] = []
  let logits: Logits | undefined = await decoder.prefill(sequence, prompt, { hint: hintAt(0) })
  for (;;) {
    gathered.push([...(logits?.sketch ?? [])])
    tokens.push(pick(logits, GREEDY).token)
    if (tokens.length === count) break
    ;[logits] = await decoder.step([{ sequence, token: tokens.at(-1) ?? 0, hint: hintAt(tokens.length) }])
  }
  sequence.dispose()
  const scored: number[][] = []
  const again = decoder.open()
  const from = prompt.length - 1
  await decoder.score(again, [...prompt, ...tokens.slice(0, -1)], from, (values, index) => {
    scored[index - from] = [...sketch.at(index - from)].map((id) => values[id] ?? NaN)
  })
  again.dispose()
  return { gathered, scored }
}

function cut(prompt: readonly number[], segments: readonly number[]): (readonly number[])[] {
  const parts: (readonly number[])[] = []
  for (let at = 0; at < prompt.length;) {
    const length = segments[parts.length] ?? PREFILL_SEGMENT
    parts.push(prompt.slice(at, at + length))
    at += length
  }
  return parts
}

interface Picked {
  readonly token: number
  readonly logit: number
}

function add(answer: Written | undefined, { token, logit }: Picked): void {
  answer?.tokens.push(token)
  answer?.logits.push(logit)
}

/** The token of the highest logit, noisy where that is asked, by the definition of the sampler; the lowest of equals. */
function pick(logits: Logits | undefined, hint: DrawHint | undefined): Picked {
  if (!logits) throw new Error('no logits')
  const { ids, values } = logits
  const scores = hint?.temperature ? noisy(logits, hint) : values
  let best = 0
  for (const [i, score] of scores.entries()) if (score > (scores[best] ?? NaN)) best = i
  return { token: ids ? (ids[best] ?? -1) : best, logit: values[best] ?? NaN }
}

function noisy({ ids, values }: Logits, { temperature, position, seedWords }: DrawHint): Float64Array {
  const [s0, s1, s2, s3] = seedWords
  const words = new Uint32Array(4)
  return Float64Array.from(values, (z, i) => {
    const token = ids?.[i] ?? i
    philox4x32(Uint32Array.of(position, token >>> 2, s2, s3), Uint32Array.of(s0, s1), words)
    return z - temperature * ln(-ln(((words[token & 3] ?? 0) + 0.5) / 2 ** 32))
  })
}
