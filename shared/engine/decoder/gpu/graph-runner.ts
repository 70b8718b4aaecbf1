import type { OrtRuntime, OrtSession, OrtTensor } from '../../ort-runtime.ts'
import { BEGIN_TOKENS, PREFILL_SEGMENT } from '../decoder.ts'
import { createCapturedSteps, submitCommands } from './captured-steps.ts'
import { TENSOR_USAGE } from './gpu-constants.ts'
import type { KvBuffers } from './kv-buffers.ts'
import { readLogitRows, type LogitsLayout } from './logits-layout.ts'

/** One row of a step: the token to read and its place in the text. */
export interface RowInput {
  readonly token: number
  readonly position: number
}

/** Runs a graph of ragged rows that picks positions, on buffers that stay where they are. */
export interface GraphRunner {
  /** Logits of the last step or segment: [rows or picked positions, width]. */
  readonly logits: GPUBuffer
  /** Token ids of the next step, int64[rows]: a token that is drawn on the GPU may be written here. */
  readonly ids: GPUBuffer
  /** Reads tokens of the cache's row 0, from `start` on. Logits of the last token lie in row 0 of `logits`. */
  prefill(cache: KvBuffers, tokens: readonly number[], start: number): Promise<void>
  /** Reads the first tokens of each of the first rows of the cache, equally many. Logits of the last lie in their rows. */
  begin(cache: KvBuffers, rows: readonly (readonly number[])[]): Promise<void>
  /** As `prefill`, with the logits of all tokens from index `from` on, in `target`. */
  score(
    cache: KvBuffers,
    tokens: readonly number[],
    start: number,
    from: number,
    target: GPUBuffer,
  ): Promise<void>
  /** Reads one token in each of the first `rows.length` rows of the cache. */
  step(cache: KvBuffers, rows: readonly RowInput[]): Promise<void>
  /** Submits a step whose tokens the GPU has put into `ids`; false when it can't be done without ORT. */
  follow(cache: KvBuffers, rows: readonly Omit<RowInput, 'token'>[]): boolean
  destroy(): void
}

export interface RunnerOptions {
  readonly ort: OrtRuntime
  readonly device: GPUDevice
  readonly session: OrtSession
  /** Made with `captureOptions`. */
  readonly captures: boolean
  readonly maxRows: number
  readonly logits: LogitsLayout
}

const INT32 = 4
const INT64 = 8

export function createGraphRunner(options: RunnerOptions): GraphRunner {
  const { ort, device, session, captures, maxRows, logits: layout } = options
  const makeBuffer = (size: number): GPUBuffer =>
    device.createBuffer({ size: Math.max(16, size), usage: TENSOR_USAGE })
  const longest = Math.max(BEGIN_TOKENS, maxRows)
  const ids = makeBuffer(longest * INT64)
  const positions = makeBuffer(longest * INT64)
  const seqlens = makeBuffer(maxRows * INT32)
  const total = makeBuffer(INT32)
  const picks = makeBuffer(PREFILL_SEGMENT * INT64)
  const logits = makeBuffer(maxRows * layout.rowBytes)
  const wanted = new Set(session.inputNames)
  const captured = createCapturedSteps(device, captures)
  let capturedOn: KvBuffers | undefined

  const tensor = (buffer: GPUBuffer, type: 'int32' | 'int64', dims: readonly number[]): OrtTensor =>
    ort.Tensor.fromGpuBuffer(buffer, { dataType: type, dims })
  const writeLongs = (buffer: GPUBuffer, values: readonly number[]): void =>
    device.queue.writeBuffer(buffer, 0, BigInt64Array.from(values, BigInt))

  /** @param ends of each row, the place of its last token */
  function writeLengths(ends: readonly number[]): void {
    device.queue.writeBuffer(seqlens, 0, Int32Array.from(ends))
    device.queue.writeBuffer(total, 0, Int32Array.of(Math.max(...ends) + 1))
  }

  function writePlaces(rows: readonly Omit<RowInput, 'token'>[]): void {
    const places = rows.map(({ position }) => position)
    writeLongs(positions, places)
    writeLengths(places)
  }

  /**
   * @param shape [batch, tokens]
   * @param lengthAfter of the longest row. A session that captures wants it in a buffer, and takes the capacity of
   *   the cache for most purposes (ORT 1.30.0); its dispatches are sized on the GPU by `seqlens_k`
   */
  async function run(
    cache: KvBuffers,
    shape: readonly [number, number],
    lengthAfter: number,
    picked: number,
    target: GPUBuffer,
    graphId: string,
  ): Promise<void> {
    const [batch] = shape
    const { past, present } = cache.tensors(batch)
    const feeds: Record<string, OrtTensor> = {
      ...past,
      input_ids: tensor(ids, 'int64', shape),
      position_ids: tensor(positions, 'int64', shape),
      seqlens_k: tensor(seqlens, 'int32', [batch]),
      logit_positions: tensor(picks, 'int64', [picked]),
      total_sequence_length: captures
        ? tensor(total, 'int32', [])
        : new ort.Tensor('int32', Int32Array.of(lengthAfter), []),
    }
    for (const name of Object.keys(feeds)) if (!wanted.has(name)) delete feeds[name]
    const fetched = ort.Tensor.fromGpuBuffer(target, {
      dataType: layout.type,
      dims: [batch, picked, layout.width],
    })
    await session.run(feeds, { ...present, logits: fetched }, { extra: { gpu_graph_id: graphId } })
  }

  async function readSegment(
    cache: KvBuffers,
    tokens: readonly number[],
    start: number,
    from: number,
    target: GPUBuffer,
  ): Promise<void> {
    const after = start + tokens.length
    writeLongs(ids, tokens)
    writeLongs(
      positions,
      tokens.map((_, i) => start + i),
    )
    writeLengths([after - 1])
    writeLongs(
      picks,
      tokens.slice(from).map((_, i) => from + i),
    )
    await run(cache, [1, tokens.length], after, tokens.length - from, target, '-1')
  }

  return {
    logits,
    ids,
    prefill: (cache, tokens, start) => readSegment(cache, tokens, start, tokens.length - 1, logits),
    async begin(cache, rows) {
      const count = rows[0]?.length ?? 0
      writeLongs(ids, rows.flat())
      writeLongs(
        positions,
        rows.flatMap((tokens) => tokens.map((_, i) => i)),
      )
      writeLengths(rows.map(() => count - 1))
      writeLongs(picks, [count - 1])
      await run(cache, [rows.length, count], count, 1, logits, '-1')
    },
    score: readSegment,
    async step(cache, rows) {
      if (cache !== capturedOn) captured.forget()
      capturedOn = cache
      const after = Math.max(...rows.map(({ position }) => position)) + 1
      const write = (tokens: readonly number[]): void => {
        writeLongs(ids, tokens)
        writePlaces(rows)
        writeLongs(picks, [0])
      }
      await captured.run(rows.length, {
        write: () => write(rows.map(({ token }) => token)),
        writeOther: () => write(rows.map(({ token }) => (token > 0 ? token - 1 : token + 1))),
        run: (graphId) => run(cache, [rows.length, 1], after, 1, logits, graphId),
        read: async () => (await readLogitRows(device, logits, layout, [0]))[0] as Float32Array,
      })
    },
    follow(cache, rows) {
      const commands = cache === capturedOn ? captured.commands(rows.length) : undefined
      if (!commands) return false
      writePlaces(rows)
      submitCommands(device, commands)
      return true
    },
    destroy() {
      for (const buffer of [ids, positions, seqlens, total, picks, logits]) buffer.destroy()
    },
  }
}
