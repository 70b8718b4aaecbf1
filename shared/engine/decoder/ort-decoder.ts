import type { OrtRuntime, OrtSession, OrtTensor } from '../ort-runtime.ts'
import type { Decoder, Logits, Sequence } from './decoder.ts'
import { feedRows, type RowFeed } from './graph-feeds.ts'
import type { GraphLayout } from './graph-layout.ts'
import { readLogitRows } from './logit-rows.ts'
import {
  bundleOf,
  disposeAll,
  emptyBundle,
  leaveBundle,
  type RowBundle,
  type RowOwner,
} from './row-bundle.ts'

/** More rows than this gained nothing on any processor we saw, and each waits for all the others. */
const MAX_ROWS = 16

export interface OrtDecoderComponents {
  readonly ort: OrtRuntime
  readonly session: OrtSession
  readonly layout: GraphLayout
  readonly vocabSize: number
  /** Undefined runs on wasm. */
  readonly device: GPUDevice | undefined
}

type OrtSequence = RowOwner & { dispose(): void }

/**
 * A decoder whose KV cache is whatever ORT gave out last, put in again: it grows with the text. For wasm, where rows of
 * different lengths share a step, and for graphs on the GPU that cannot have a cache of fixed size.
 */
export function createOrtDecoder(components: OrtDecoderComponents): Decoder {
  const { ort, session, layout, vocabSize, device } = components

  /** Runs the rows of a bundle and puts the new caches in the place of the old. Gives the logits, to be disposed. */
  async function run(
    bundle: RowBundle,
    rows: readonly RowFeed[],
    positions: readonly number[],
  ): Promise<OrtTensor> {
    const outputs = await session.run({ ...bundle.tensors, ...feedRows(ort, layout, rows, positions) })
    const superseded = bundle.tensors
    bundle.tensors = Object.fromEntries(
      layout.past.map(({ input, output }) => [input, outputs[output] as OrtTensor]),
    )
    disposeAll(superseded)
    return outputs['logits'] as OrtTensor
  }

  /** Reads tokens of one sequence and the logits after those from index `from` on; none when it is undefined. */
  async function read(
    sequence: Sequence,
    tokens: readonly number[],
    from: number | undefined,
  ): Promise<Float32Array[]> {
    const owner = sequence as OrtSequence
    // Only a single row can read more than one token.
    const bundle = bundleOf(ort, layout, [owner], 1)
    const first = from ?? tokens.length - 1
    const positions = Array.from({ length: tokens.length - first }, (_, i) => first + i)
    const logits = await run(bundle, [{ tokens, length: owner.length }], positions)
    owner.length += tokens.length
    try {
      if (from === undefined) return []
      // What was not picked comes along: rows are counted from the end.
      const given = logits.dims[1] ?? 0
      const range = { from: given - positions.length, count: positions.length }
      return await readLogitRows(logits, range, vocabSize, device)
    } finally {
      logits.dispose()
    }
  }

  async function prefill(
    sequence: Sequence,
    tokens: readonly number[],
    last?: unknown,
  ): Promise<Logits | undefined> {
    const [values] = await read(sequence, tokens, last ? tokens.length - 1 : undefined)
    return values && { ids: undefined, values }
  }

  return {
    maxRows: layout.lengths === 'ragged' && !device ? MAX_ROWS : 1,
    cacheBytesPerToken: layout.past.reduce(
      (sum, { type, heads, headDim }) => sum + heads * headDim * (type === 'float32' ? 4 : 2),
      0,
    ),
    open() {
      const owner: RowOwner = { length: 0, bundle: undefined, row: 0 }
      owner.bundle = emptyBundle(ort, layout, owner)
      return Object.assign(owner, { dispose: () => leaveBundle(owner) })
    },
    prefill: prefill as Decoder['prefill'],
    async begin(inputs) {
      const owners: RowOwner[] = inputs.map(({ sequence }) => sequence as OrtSequence)
      const count = inputs[0]?.tokens.length ?? 0
      const bundle = bundleOf(ort, layout, owners, owners.length)
      const feeds = inputs.map(({ tokens }) => ({ tokens, length: 0 }))
      const logits = await run(bundle, feeds, [count - 1])
      for (const owner of owners) owner.length = count
      try {
        // One position of each row where it can be picked, else all of them.
        const given = logits.dims[1] ?? 1
        const answers: (Logits | undefined)[] = []
        for (const [row, { last }] of inputs.entries()) {
          const range = { from: row * given + given - 1, count: 1 }
          const [values] = last ? await readLogitRows(logits, range, vocabSize, device) : []
          answers.push(values && { ids: undefined, values })
        }
        return answers
      } finally {
        logits.dispose()
      }
    },
    async score(sequence, tokens, from, take) {
      const rows = await read(sequence, tokens, from)
      rows.forEach((row, i) => take(row, from + i))
    },
    async step(inputs) {
      const owners: RowOwner[] = inputs.map(({ sequence }) => sequence as OrtSequence)
      // Up to as many others: they are fed a token whose trace their next true step overwrites.
      const bundle = bundleOf(ort, layout, owners, 2 * owners.length)
      const rows = bundle.owners.map((owner) => {
        const input = owner && inputs[owners.indexOf(owner)]
        return { tokens: [input?.token ?? 0], length: owner?.length ?? 0 }
      })
      const logits = await run(bundle, rows, [0])
      try {
        const values = await readLogitRows(logits, { from: 0, count: rows.length }, vocabSize, device)
        return inputs.map(({ sequence }) => {
          const owner = sequence as OrtSequence
          owner.length++
          return { ids: undefined, values: values[owner.row] as Float32Array }
        })
      } finally {
        logits.dispose()
      }
    },
    close: () => session.release(),
  }
}
