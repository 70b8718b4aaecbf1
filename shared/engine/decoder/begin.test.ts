import { describe, expect, it } from 'vitest'
import { readTinyModel, wasmComponents } from '../../testing/tiny-model.ts'
import type { Decoder, DrawHint, Logits, Sequence } from './decoder.ts'
import { loadDecoder } from './load-decoder.ts'

const GREEDY: DrawHint = { temperature: 0, position: 0, seedWords: [0, 0, 0, 0] }
const PROMPTS = [
  'Once upon a time',
  'The little dog',
  'Lily and Tom went to the park. They saw a big red ball.',
]
const COUNT = 8
const TIMEOUT = { timeout: 300_000 }

describe.each(['fp32', 'q4'] as const)('Decoder.begin, Tiny %s', (dtype) => {
  it('begins several texts as each would alone', TIMEOUT, async () => {
    const { manifest, files, tokenizer } = await readTinyModel(dtype)
    const decoder = await loadDecoder(await wasmComponents(files), manifest)
    const prompts = PROMPTS.map((content) => tokenizer.encodeChat([{ role: 'user', content }]))
    const expected: number[][] = []
    for (const prompt of prompts) {
      const sequence = decoder.open()
      const last = await decoder.prefill(sequence, prompt, { hint: undefined })
      expected.push(...(await goOn(decoder, [sequence], [last])))
    }
    // One that runs holds the first row, and one that was there before it has left another.
    const [left, runs] = [decoder.open(), decoder.open()]
    for (const sequence of [left, runs]) await decoder.prefill(sequence, [5, 6, 7])
    left.dispose()
    const count = Math.min(...prompts.map(({ length }) => length))
    const sequences = prompts.map(() => decoder.open())
    const logits = await decoder.begin(
      prompts.map((prompt, i) => ({
        sequence: sequences[i] as Sequence,
        tokens: prompt.slice(0, count),
        last: prompt.length === count ? { hint: i % 2 === 0 ? undefined : GREEDY } : undefined,
      })),
    )
    expect(logits.map((each) => each !== undefined)).toEqual(prompts.map(({ length }) => length === count))
    const lasts: Logits[] = []
    for (const [i, prompt] of prompts.entries()) {
      const sequence = sequences[i] as Sequence
      lasts.push(logits[i] ?? (await decoder.prefill(sequence, prompt.slice(count), { hint: GREEDY })))
      expect(sequence.length).toBe(prompt.length)
    }
    expect(await goOn(decoder, sequences, lasts)).toEqual(expected)
    runs.dispose()
    await decoder.close()
  })
})

/** Writes on greedily, all of them in each step, and lets them go. */
async function goOn(
  decoder: Decoder,
  sequences: readonly Sequence[],
  lasts: readonly Logits[],
): Promise<number[][]> {
  const answers = lasts.map((last) => [highest(last)])
  for (let i = 1; i < COUNT; i++) {
    const inputs = sequences.map((sequence, row) => ({
      sequence,
      token: answers[row]?.at(-1) ?? 0,
      hint: { ...GREEDY, position: i },
    }))
    const logits = await decoder.step(inputs)
    logits.forEach((each, row) => answers[row]?.push(highest(each)))
  }
  for (const sequence of sequences) sequence.dispose()
  return answers
}

function highest({ ids, values }: Logits): number {
  let best = 0
  for (const [i, value] of values.entries()) if (value > (values[best] ?? NaN)) best = i
  return ids ? (ids[best] ?? -1) : best
}
