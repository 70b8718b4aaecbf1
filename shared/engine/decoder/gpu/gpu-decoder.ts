import { InfernetError } from '../../../errors/infernet-error.ts'
import { MIB } from '../../../base/units.ts'
import { nameOrtFailure } from '../../engine-failure.ts'
import type { PreparedGraph } from '../../../models/onnx/prepare-graph.ts'
import type { Gpu, OrtRuntime, OrtSession, OrtSessionOptions } from '../../ort-runtime.ts'
import {
  BEGIN_TOKENS,
  PREFILL_SEGMENT,
  type Decoder,
  type Logits,
  type Sequence,
  type StepInput,
} from '../decoder.ts'
import { readPastTensors } from '../graph-layout.ts'
import { createCacheSlots, rowsFor, type SlotHolder } from './cache-slots.ts'
import { captureOptions } from './capture-options.ts'
import { TENSOR_USAGE } from './gpu-constants.ts'
import { createGraphRunner } from './graph-runner.ts'
import { cacheBytesPerToken } from './kv-buffers.ts'
import { readLogitRows, readLogitsLayout } from './logits-layout.ts'
import { canPreselect, createPreselector, type Preselection, type RowDraw } from './preselect.ts'
import { isAsked, planAfter, type StepAhead, type StepPlan } from './read-ahead.ts'

export interface GpuComponents {
  readonly ort: OrtRuntime
  readonly gpu: Gpu
}

export interface GpuModel {
  /** Ragged, and with positions to be picked: other graphs are not for this decoder. */
  readonly graph: PreparedGraph
  /** The model's own external data files; those of `graph` are added. */
  readonly externalData?: readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[]
  /** `config.json`, for sizes that the graph leaves symbolic. */
  readonly config: Readonly<Record<string, unknown>>
  readonly vocabSize: number
  /** The longest text, in tokens: no more than the model's rope tables hold. */
  readonly maxLength: number
}

export interface GpuDecoderOptions {
  /** Most sequences in one step. @default 16 */
  readonly maxRows?: number
  /** Captures steps where the graph allows it. @default true */
  readonly captures?: boolean
  /**
   * Submits the next step before the last one is read, with the token that the GPU drew provisionally; the CPU
   * confirms it one step later, and where it differs nothing is lost but that step. @default true
   */
  readonly readsAhead?: boolean
}

const DEFAULT_MAX_ROWS = 16
/** Logits of one run of a score: 40 positions of the largest vocabularies, a whole segment of the usual ones. */
const SCORE_BYTES = 32 * MIB

/**
 * Starts a graph on the GPU. The KV cache stays there; prefill runs row by row in the same session as captured steps
 * of 1, 2, 4, .. rows; what comes back of a step is some hundred bytes.
 *
 * @throws InfernetError `models.unsupported`, `engine.load-failed`
 */
export async function createGpuDecoder(
  { ort, gpu: { device } }: GpuComponents,
  model: GpuModel,
  { maxRows = DEFAULT_MAX_ROWS, captures = true, readsAhead = true }: GpuDecoderOptions = {},
): Promise<Decoder> {
  const { graph, config, vocabSize, maxLength } = model
  if (graph.lengths !== 'ragged' || !graph.picksPositions)
    throw new InfernetError('models.unsupported', { reason: 'rows of one length only' })
  const { session, captured } = await createSession(ort, device, model, captures)
  let ahead: StepAhead | undefined
  try {
    const layout = readLogitsLayout(session, vocabSize)
    const past = readPastTensors(session, config)
    const slots = createCacheSlots({ ort, device }, past, maxLength)
    const runner = createGraphRunner({ ort, device, session, captures: captured, maxRows, logits: layout })
    const { logits, ids } = runner
    const preselector = createPreselector(device, { logits, layout, maxRows, ids })

    const readRows = (rows: readonly number[]): Promise<readonly Float32Array[]> =>
      readLogitRows(device, logits, layout, rows)
    const whole = (values: Float32Array | undefined): Logits => ({
      ids: undefined,
      values: values ?? new Float32Array(0),
    })

    /** Lets a step go that nobody asked for. It has only written behind the ends of its rows. */
    async function forgetAhead(): Promise<void> {
      const forgotten = ahead
      ahead = undefined
      await forgotten?.preselection.read()
    }

    async function readTokens(sequence: GpuSequence, tokens: readonly number[]): Promise<void> {
      checkSegment(tokens)
      await forgetAhead()
      const { holder } = sequence
      const cache = await slots.forPrefill(holder, tokens.length)
      await runner.prefill(cache, tokens, holder.length)
      holder.length += tokens.length
    }

    function rowInputs({ cache, rows }: StepPlan): { token: number; position: number }[] {
      return rows.map((row, i) => {
        if (row) return { token: row.token, position: row.position }
        // A row without a part writes where its next token will overwrite it.
        return { token: 0, position: Math.min(slots.at(i)?.length ?? 0, cache.capacity - 1) }
      })
    }

    const drawOf = (plan: StepPlan): Preselection =>
      preselector.submit(plan.rows.map((row) => (row?.hint && canPreselect(row.hint) ? row.hint : undefined)))

    function submitAhead(plan: StepPlan): StepAhead | undefined {
      const next = readsAhead ? planAfter(plan) : undefined
      if (!next || !runner.follow(next.cache, rowInputs(next))) return undefined
      return { plan: next, preselection: drawOf(next), winners: [] }
    }

    async function planStep(inputs: readonly StepInput[]): Promise<StepPlan> {
      const holders = inputs.map(({ sequence }) => own(sequence).holder)
      const width = Math.min(rowsFor(inputs.length), maxRows)
      const cache = await slots.forStep(holders, width)
      const rows = Array.from({ length: width }, (_, row) => {
        const i = holders.findIndex(({ slot }) => slot === row)
        const [input, holder] = [inputs[i], holders[i]]
        return input && holder
          ? { holder, token: input.token, position: holder.length, hint: input.hint }
          : undefined
      })
      return { cache, rows }
    }

    /** The draws of a step by row, and the next step under way where that can be. */
    async function runStep(plan: StepPlan): Promise<readonly (RowDraw | undefined)[]> {
      let preselection = ahead && isAsked(ahead, plan) ? ahead.preselection : undefined
      if (preselection) ahead = undefined
      else {
        await forgetAhead()
        await runner.step(plan.cache, rowInputs(plan))
        preselection = drawOf(plan)
      }
      ahead = submitAhead(plan)
      const draws = await preselection.read()
      if (ahead) ahead.winners = draws.map((draw) => draw?.winner)
      return draws
    }

    /** Whole logits of the rows that need them. A step ahead has overwritten them: then the step is run again. */
    async function readMissing(
      plan: StepPlan,
      draws: readonly (RowDraw | undefined)[],
    ): Promise<Map<number, Logits>> {
      const missing = plan.rows.flatMap((row, i) => (row && !draws[i]?.logits ? [i] : []))
      if (missing.length > 0 && ahead) {
        await forgetAhead()
        await runner.step(plan.cache, rowInputs(plan))
      }
      const values = await readRows(missing)
      return new Map(missing.map((row, i) => [row, whole(values[i])]))
    }

    async function readLast(hint: StepInput['hint']): Promise<Logits> {
      const [draw] = hint && canPreselect(hint) ? await preselector.submit([hint]).read() : []
      return draw?.logits ?? whole((await readRows([0]))[0])
    }

    function own(sequence: Sequence): GpuSequence {
      if (sequence instanceof GpuSequence) return sequence
      throw new TypeError('a sequence of another decoder')
    }

    async function prefill(
      sequence: Sequence,
      tokens: readonly number[],
      last?: { readonly hint: StepInput['hint'] },
    ): Promise<Logits | undefined> {
      await readTokens(own(sequence), tokens)
      return last ? readLast(last.hint) : undefined
    }

    return {
      maxRows,
      cacheBytesPerToken: cacheBytesPerToken(past),
      open: () => new GpuSequence((holder) => slots.leave(holder)),
      prefill: prefill as Decoder['prefill'],
      async begin(inputs) {
        const [count, width] = [inputs[0]?.tokens.length ?? 0, inputs.length]
        if (width > maxRows || count === 0 || count * width > BEGIN_TOKENS)
          throw new RangeError(`${width} beginnings of ${count} tokens`)
        await forgetAhead()
        const holders = inputs.map(({ sequence }) => own(sequence).holder)
        const cache = await slots.forStep(holders, width, count)
        const rows = Array.from(
          { length: width },
          (_, row) => inputs[holders.findIndex((h) => h.slot === row)],
        )
        await runner.begin(
          cache,
          rows.map((row) => row?.tokens ?? []),
        )
        for (const holder of holders) holder.length += count
        const hints = rows.map((row) => row?.last?.hint)
        const draws = await preselector
          .submit(hints.map((hint) => (hint && canPreselect(hint) ? hint : undefined)))
          .read()
        const missing = rows.flatMap((row, i) => (row?.last && !draws[i]?.logits ? [i] : []))
        const values = await readRows(missing)
        return inputs.map(({ last }, i) => {
          const slot = holders[i]?.slot ?? 0
          return last && (draws[slot]?.logits ?? whole(values[missing.indexOf(slot)]))
        })
      },
      async score(sequence, tokens, from, take) {
        checkSegment(tokens)
        await forgetAhead()
        const { holder } = own(sequence)
        const perRun = Math.max(1, Math.min(PREFILL_SEGMENT, Math.floor(SCORE_BYTES / layout.rowBytes)))
        const target = device.createBuffer({ size: perRun * layout.rowBytes, usage: TENSOR_USAGE })
        try {
          for (let start = 0; start < tokens.length; start += perRun) {
            const part = tokens.slice(start, start + perRun)
            const first = Math.min(Math.max(0, from - start), part.length - 1)
            const cache = await slots.forPrefill(holder, part.length)
            await runner.score(cache, part, holder.length, first, target)
            holder.length += part.length
            if (from >= start + part.length) continue
            const rows = Array.from({ length: part.length - first }, (_, i) => i)
            const values = await readLogitRows(device, target, layout, rows)
            values.forEach((row, i) => take(row, start + first + i))
          }
        } finally {
          target.destroy()
        }
      },
      async step(inputs) {
        if (inputs.length === 0 || inputs.length > maxRows)
          throw new RangeError(`a step of ${inputs.length} rows`)
        const plan = await planStep(inputs)
        const draws = await runStep(plan)
        const missing = await readMissing(plan, draws)
        const places = inputs.map(({ sequence }) =>
          plan.rows.findIndex((row) => row?.holder === own(sequence).holder),
        )
        for (const row of plan.rows) if (row) row.holder.length++
        return places.map((place) => missing.get(place) ?? draws[place]?.logits ?? whole(undefined))
      },
      async close() {
        // The device may be gone: then there is nothing to wait for.
        await forgetAhead().catch(() => undefined)
        slots.destroy()
        runner.destroy()
        preselector.destroy()
        await session.release()
      },
    }
  } catch (error) {
    await session.release()
    throw error
  }
}

class GpuSequence implements Sequence {
  readonly holder: SlotHolder = { length: 0, slot: undefined }
  readonly #leave: (holder: SlotHolder) => void

  constructor(leave: (holder: SlotHolder) => void) {
    this.#leave = leave
  }

  get length(): number {
    return this.holder.length
  }

  dispose(): void {
    this.#leave(this.holder)
  }
}

function checkSegment(tokens: readonly number[]): void {
  if (tokens.length === 0 || tokens.length > PREFILL_SEGMENT)
    throw new RangeError(`a segment of ${tokens.length} tokens`)
}

/**
 * ORT 1.30.0 gives wrong attention for sliding windows in a session that may capture, prefill included, because it
 * takes the cache's capacity for the length there; without capture it is right.
 */
async function createSession(
  ort: OrtRuntime,
  device: GPUDevice,
  { graph, externalData = [] }: GpuModel,
  captures: boolean,
): Promise<{ session: OrtSession; captured: boolean }> {
  const options: OrtSessionOptions = {
    externalData: [...graph.externalData, ...externalData],
    logSeverityLevel: 3,
    executionProviders: [{ name: 'webgpu', device }],
    preferredOutputLocation: 'gpu-buffer',
  }
  const create = (with_: OrtSessionOptions): Promise<OrtSession> =>
    ort.InferenceSession.create(graph.bytes, with_)
  try {
    if (captures && !graph.facts.hasSlidingWindow)
      try {
        return { session: await create(captureOptions(options)), captured: true }
      } catch (error) {
        // Some operator has no kernel for the GPU.
        if (!/graph capture/i.test(String(error))) throw error
      }
    return { session: await create(options), captured: false }
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    const reason = text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 60)
    throw nameOrtFailure(cause) ?? new InfernetError('engine.load-failed', { reason }, { cause })
  }
}
