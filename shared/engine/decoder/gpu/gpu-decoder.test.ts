import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareGraph } from '../../../models/onnx/prepare-graph.ts'
import { readJson } from '../../../models/model-files.ts'
import { countBytes, loadDawn } from '../../../testing/dawn.ts'
import { readTinyModel, wasmComponents } from '../../../testing/tiny-model.ts'
import { ln } from '../../sampler/ln.ts'
import { philox4x32 } from '../../sampler/philox.ts'
import type { Decoder, DrawHint, Logits, Sequence } from '../decoder.ts'
import { loadDecoder } from '../load-decoder.ts'
import { checkPreselection } from './check-preselection.ts'
import { createGpuDecoder, type GpuDecoderOptions } from './gpu-decoder.ts'

const dawn = await loadDawn()
if (typeof dawn === 'string') process.stdout.write(`gpu decoder not tested: ${dawn}\n`)

const GREEDY: DrawHint = { temperature: 0, position: 0, seedWords: [0, 0, 0, 0] }
const PROMPTS = [
  'Once upon a time',
  'The little dog',
  'Lily and Tom went to the park. They saw a big red ball.',
]
const NO_LOGITS: Logits = { ids: undefined, values: new Float32Array(0) }
/** Bytes of all buffers on the device, ORT's too. */
const liveBytes = typeof dawn === 'string' ? () => 0 : countBytes(dawn.gpu.device)
const ADAPTER_TIMEOUT = 300_000

describe.skipIf(typeof dawn === 'string')('the preselection on a GPU', () => {
  it('hands over every exact winner, near-ties included', { timeout: ADAPTER_TIMEOUT }, async () => {
    if (typeof dawn === 'string') return
    const report = await checkPreselection(dawn.gpu.device)
    expect(report.wrong).toEqual([])
    expect(report.noiseError).toBeLessThan(2 ** -17)
    // Draws that cannot be proved are the exactly tied ones, one kind of eight, and the flat one without noise.
    expect(report.right + report.unproved).toBe(report.draws)
    expect(report.unproved).toBeLessThan(report.draws / 4)
  })
})

describe.skipIf(typeof dawn === 'string').each(['fp32', 'q4'] as const)(
  'the decoder on a GPU, Tiny %s',
  (dtype) => {
    let prompts: number[][] = []
    /** What wasm writes after each prompt, greedily. */
    let expected: number[][] = []
    const COUNT = 12

    beforeAll(async () => {
      const { manifest, files, tokenizer } = await readTinyModel(dtype)
      prompts = PROMPTS.map((content) => [...tokenizer.encodeChat([{ role: 'user', content }])])
      const decoder = await loadDecoder(await wasmComponents(files), manifest)
      expected = []
      for (const prompt of prompts) {
        const sequence = decoder.open()
        const answer: number[] = []
        let logits: Logits | undefined = await decoder.prefill(sequence, prompt, { hint: undefined })
        while (answer.length < COUNT) {
          const token = highest(logits ?? NO_LOGITS)
          answer.push(token)
          ;[logits] = await decoder.step([{ sequence, token, hint: undefined }])
        }
        sequence.dispose()
        expected.push(answer)
      }
      await decoder.close()
    }, ADAPTER_TIMEOUT)

    let open: Decoder | undefined
    afterAll(() => open?.close())

    async function createDecoder(options?: GpuDecoderOptions): Promise<Decoder> {
      if (typeof dawn === 'string') throw new Error(dawn)
      const { manifest, files } = await readTinyModel(dtype)
      const weights = await files.read(manifest.weights)
      const config = await readJson(files, 'config.json')
      const graph = prepareGraph(weights)
      const { vocabSize, contextLength: maxLength } = manifest
      await open?.close()
      return (open = await createGpuDecoder(dawn, { graph, config, vocabSize, maxLength }, options))
    }

    const cases: [string, GpuDecoderOptions][] = [
      ['captured, reading ahead', {}],
      ['captured', { readsAhead: false }],
      ['uncaptured', { captures: false }],
    ]
    it.each(cases)('writes what wasm writes: %s', { timeout: ADAPTER_TIMEOUT }, async (_, options) => {
      const decoder = await createDecoder(options)
      for (const [i, prompt] of prompts.entries())
        expect(await generate(decoder, prompt, COUNT, GREEDY)).toEqual(expected[i])
      expect(await generate(decoder, prompts[0] ?? [], COUNT, undefined)).toEqual(expected[0])
    })

    it('gives rows that join and leave what they get alone', { timeout: ADAPTER_TIMEOUT }, async () => {
      const decoder = await createDecoder()
      const answers: number[][] = prompts.map(() => [])
      const sequences = new Map<number, Sequence>()
      // One joins every third step: long and short rows, new ones and leaving ones share steps and slots.
      for (let turn = 0; answers.some((answer) => answer.length < COUNT); turn++) {
        const prompt = prompts[turn / 3]
        if (prompt) {
          const sequence = decoder.open()
          const half = prompt.length >> 1
          await decoder.prefill(sequence, prompt.slice(0, half))
          const last = await decoder.prefill(sequence, prompt.slice(half), { hint: GREEDY })
          answers[turn / 3]?.push(highest(last))
          sequences.set(turn / 3, sequence)
        }
        // The order of a step is not the order of the rows, and a row asks for all logits now and then.
        const rows = [...sequences].reverse()
        const inputs = rows.map(([i, sequence]) => ({
          sequence,
          token: answers[i]?.at(-1) ?? 0,
          hint: (turn + i) % 4 === 0 ? undefined : { ...GREEDY, position: answers[i]?.length ?? 0 },
        }))
        const logits = await decoder.step(inputs)
        for (const [row, [i, sequence]] of rows.entries()) {
          answers[i]?.push(highest(logits[row] ?? NO_LOGITS))
          if ((answers[i]?.length ?? 0) < COUNT) continue
          sequence.dispose()
          sequences.delete(i)
        }
      }
      expect(answers).toEqual(expected)
    })

    it('draws by the hint what the sampler draws of all logits', { timeout: ADAPTER_TIMEOUT }, async () => {
      const decoder = await createDecoder()
      const hint: DrawHint = { temperature: 0.9, position: 0, seedWords: [1, 2, 3, 0xffffffff] }
      const prompt = prompts[1] ?? []
      const drawn = await generate(decoder, prompt, COUNT, hint)
      const sequence = decoder.open()
      let logits = await decoder.prefill(sequence, prompt, { hint: undefined })
      for (const [position, token] of drawn.entries()) {
        expect(logits.ids).toBeUndefined()
        expect(pick(logits, { ...hint, position })).toBe(token)
        logits = (await decoder.step([{ sequence, token, hint: undefined }]))[0] ?? NO_LOGITS
      }
    })

    it('scores a text as steps would', { timeout: ADAPTER_TIMEOUT }, async () => {
      const decoder = await createDecoder()
      const sequence = decoder.open()
      const prompt = prompts[2] ?? []
      const text = [...prompt, ...(expected[2] ?? [])]
      const from = prompt.length - 1
      const best: [number, number][] = []
      await decoder.score(sequence, text, from, (values, index) =>
        best.push([index, highest({ ids: undefined, values })]),
      )
      expect(best.map(([index]) => index)).toEqual([...text.keys()].slice(from))
      expect(best.slice(0, -1).map(([, token]) => token)).toEqual(expected[2])
      expect(sequence.length).toBe(text.length)
    })

    it('leaves no bytes on the GPU', { timeout: ADAPTER_TIMEOUT }, async () => {
      const decoder = await createDecoder()
      const generations = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) await generate(decoder, [5 + i], 2, i % 2 ? GREEDY : undefined)
      }
      await generations(2)
      const before = liveBytes()
      await generations(50)
      expect(liveBytes()).toBe(before)
      await open?.close()
      open = undefined
      expect(liveBytes()).toBe(0)
    })
  },
)

/** The token of the highest logit, the lowest of equals. */
function highest({ ids, values }: Logits): number {
  let best = 0
  for (const [i, value] of values.entries()) if (value > (values[best] ?? NaN)) best = i
  return ids ? (ids[best] ?? -1) : best
}

/** The token of the highest noisy logit, by the definition of the sampler. */
function pick({ ids, values }: Logits, { temperature, position, seedWords }: DrawHint): number {
  const [s0, s1, s2, s3] = seedWords
  const words = new Uint32Array(4)
  const scores = Float64Array.from(values, (z, i) => {
    const token = ids?.[i] ?? i
    philox4x32(Uint32Array.of(position, token >>> 2, s2, s3), Uint32Array.of(s0, s1), words)
    return z - temperature * ln(-ln(((words[token & 3] ?? 0) + 0.5) / 2 ** 32))
  })
  const best = scores.reduce((top, score, i) => (score > (scores[top] ?? NaN) ? i : top), 0)
  return ids?.[best] ?? best
}

async function generate(
  decoder: Decoder,
  prompt: readonly number[],
  count: number,
  hint: DrawHint | undefined,
): Promise<number[]> {
  const sequence = decoder.open()
  const at = (position: number): DrawHint | undefined => hint && { ...hint, position }
  const draw = (logits: Logits): number =>
    hint?.temperature ? pick(logits, { ...hint, position: answer.length }) : highest(logits)
  const answer: number[] = []
  answer.push(draw(await decoder.prefill(sequence, prompt, { hint: at(0) })))
  while (answer.length < count) {
    const token = answer.at(-1) ?? 0
    const [logits] = await decoder.step([{ sequence, token, hint: at(answer.length) }])
    if (!logits) throw new Error('no logits')
    answer.push(draw(logits))
  }
  sequence.dispose()
  return answer
}
