import { InfernetError } from '../../../errors/infernet-error.ts'
import type { OrtRuntime } from '../../ort-runtime.ts'
import type { PastTensor } from '../graph-layout.ts'
import { createKvBuffers, type KvBuffers } from './kv-buffers.ts'

/** What the slots know of a sequence. */
export interface SlotHolder {
  /** Tokens in its cache. */
  length: number
  /** Its row of the cache; undefined before its first token and after its last. */
  slot: number | undefined
}

/**
 * Which sequence lies in which row of the cache, and how large the cache is. It grows by doubling, in rows and in
 * tokens, and never shrinks: what was captured holds on to its buffers.
 */
export interface CacheSlots {
  /** A cache whose row 0 is the sequence's, with room for `count` more tokens. */
  forPrefill(holder: SlotHolder, count: number): Promise<KvBuffers>
  /**
   * A cache whose first `width` rows hold all of these sequences, each at its `slot`, with room for `count` more tokens.
   *
   * @param count @default 1
   */
  forStep(holders: readonly SlotHolder[], width: number, count?: number): Promise<KvBuffers>
  /** Who is in a row, if anybody. */
  at(slot: number): SlotHolder | undefined
  /** Frees the sequence's row at once; touches no GPU. */
  leave(holder: SlotHolder): void
  destroy(): void
}

const FIRST_CAPACITY = 256
/** Behind the longest text there is room for the token of a row that takes no part and for one read ahead. */
const SPARE_TOKENS = 2

/** @param maxLength the longest text of the model, in tokens; beyond it everything throws `engine.context-full` */
export function createCacheSlots(
  components: { readonly ort: OrtRuntime; readonly device: GPUDevice },
  past: readonly PastTensor[],
  maxLength: number,
): CacheSlots {
  const { device } = components
  const holders: (SlotHolder | undefined)[] = []
  let main: KvBuffers | undefined
  /** Prefill is for one row, and a tensor starts where its buffer starts: rows other than 0 are filled by way of this. */
  let aside: KvBuffers | undefined
  /** Whose tokens lie aside, and how many of them its own row has too. */
  let asideOf: { readonly holder: SlotHolder; saved: number } | undefined

  function submit(record: (encoder: GPUCommandEncoder) => void): void {
    const encoder = device.createCommandEncoder()
    record(encoder)
    device.queue.submit([encoder.finish()])
  }

  /** Copies what was filled aside into its row. */
  function save(): void {
    if (!asideOf || !aside || !main) return
    const { holder, saved } = asideOf
    const [from, cache, slot] = [aside, main, holder.slot]
    if (slot === undefined || holder.length <= saved) return
    submit((encoder) => from.copyRow(encoder, 0, cache, slot, saved, holder.length))
    asideOf.saved = holder.length
  }

  async function grow(rows: number, tokens: number): Promise<KvBuffers> {
    if (tokens > maxLength)
      throw new InfernetError('engine.context-full', { tokens, contextLength: maxLength })
    const capacity = capacityFor(Math.max(tokens + SPARE_TOKENS, main?.capacity ?? 0), maxLength)
    const wanted = Math.max(rows, main?.rows ?? 1)
    if (main && main.rows >= wanted && main.capacity >= capacity) return main
    save()
    const larger = await createKvBuffers(components, past, wanted, capacity)
    const smaller = main
    if (smaller)
      submit((encoder) => {
        for (const holder of holders)
          if (holder?.slot !== undefined)
            smaller.copyRow(encoder, holder.slot, larger, holder.slot, 0, holder.length)
      })
    // The queue keeps its order: a buffer destroyed after the submit is still read by it.
    smaller?.destroy()
    if (capacity !== aside?.capacity) dropAside()
    return (main = larger)
  }

  function dropAside(): void {
    aside?.destroy()
    aside = undefined
    asideOf = undefined
  }

  function takeSlot(holder: SlotHolder): number {
    if (holder.slot !== undefined) return holder.slot
    const free = holders.indexOf(undefined)
    holder.slot = free < 0 ? holders.length : free
    holders[holder.slot] = holder
    return holder.slot
  }

  return {
    at: (slot) => holders[slot],
    async forPrefill(holder, count) {
      const slot = takeSlot(holder)
      const longest = Math.max(holder.length + count, ...holders.map((other) => other?.length ?? 0))
      const cache = await grow(rowsFor(slot + 1), longest)
      if (slot === 0) return cache
      if (asideOf?.holder !== holder) {
        save()
        const into = (aside ??= await createKvBuffers(components, past, 1, cache.capacity))
        submit((encoder) => cache.copyRow(encoder, slot, into, 0, 0, holder.length))
        asideOf = { holder, saved: holder.length }
      }
      return aside ?? cache
    },
    async forStep(steppers, width, count = 1) {
      save()
      if (asideOf && steppers.includes(asideOf.holder)) asideOf = undefined
      const slots = steppers.map(takeSlot)
      const longest = Math.max(...holders.map((other) => other?.length ?? 0))
      const cache = await grow(rowsFor(Math.max(width, ...slots.map((slot) => slot + 1))), longest + count)
      for (const stepper of steppers) {
        const from = stepper.slot ?? 0
        if (from < width) continue
        const to = Array.from({ length: width }, (_, i) => holders[i]).findIndex(
          (other) => !other || !steppers.includes(other),
        )
        const other = holders[to]
        submit((encoder) => cache.exchangeRows(encoder, from, stepper.length, to, other?.length ?? 0))
        holders[to] = stepper
        holders[from] = other
        stepper.slot = to
        if (other) other.slot = from
      }
      return cache
    },
    leave(holder) {
      if (asideOf?.holder === holder) asideOf = undefined
      if (holder.slot !== undefined) holders[holder.slot] = undefined
      holder.slot = undefined
    },
    destroy() {
      dropAside()
      main?.destroy()
      main = undefined
    },
  }
}

/** Rows come in powers of two: each width of a step costs a captured graph, each growth of the cache a copy. */
export function rowsFor(count: number): number {
  let rows = 1
  while (rows < count) rows *= 2
  return rows
}

function capacityFor(tokens: number, maxLength: number): number {
  let capacity = FIRST_CAPACITY
  while (capacity < tokens) capacity *= 2
  // Never beyond what the model's rope tables hold. A text of full length takes no further token, so it needs no spare.
  return Math.min(capacity, maxLength)
}
