import type { Decoder, Sequence } from '../decoder/decoder.ts'

/** Tried in this order; what lies between gains little. */
const WIDTHS = [2, 4, 8, 16]
/** A second stream slows the first one, so batching must gain at least this much over it. */
const WORTHWHILE = 1.1
const TIMED_STEPS = 4
const WARM_STEPS = 2
/** A device so slow that this is over before all widths were tried is not one for many streams. */
const BUDGET_MS = 4000

export interface Width {
  readonly rows: number
  /** Tokens a second of all rows together over those of one alone. */
  readonly gain: number
}

/**
 * How many rows a step should hold on this device: the number at which it writes the most tokens in a second.
 *
 * It is measured, because adapters differ: on some a batch of four is 3.5 times as fast, on some it leaves the kernel
 * for single rows and is slower than one after the other.
 *
 * @param now monotonic milliseconds
 */
export async function measureWidth(decoder: Decoder, now: () => number): Promise<Width> {
  const until = now() + BUDGET_MS
  const widths = WIDTHS.filter((width) => width <= decoder.maxRows)
  if (widths.length === 0) return { rows: 1, gain: 1 }
  let alone = await throughput(decoder, 1, now)
  let best: Width = { rows: 1, gain: 1 }
  for (const rows of widths) {
    if (now() > until) break
    const together = await throughput(decoder, rows, now)
    alone = Math.max(alone, await throughput(decoder, 1, now))
    const gain = together / alone
    if (gain > Math.max(best.gain, WORTHWHILE)) best = { rows, gain }
    else if (rows > 2 * best.rows) break
  }
  return best
}

async function throughput(decoder: Decoder, width: number, now: () => number): Promise<number> {
  const sequences: Sequence[] = []
  try {
    for (let row = 0; row < width; row++) {
      const sequence = decoder.open()
      sequences.push(sequence)
      // Of different lengths, as they come.
      await decoder.prefill(sequence, [1, ...Array.from({ length: row % 3 }, () => 1)])
    }
    const inputs = sequences.map((sequence) => ({ sequence, token: 1, hint: undefined }))
    for (let i = 0; i < WARM_STEPS; i++) await decoder.step(inputs)
    let fastestMs = Infinity
    for (let i = 0; i < TIMED_STEPS; i++) {
      const begun = now()
      await decoder.step(inputs)
      fastestMs = Math.min(fastestMs, now() - begun)
    }
    // Other programs only ever make a step longer, so the shortest one says the most.
    return width / Math.max(0.001, fastestMs)
  } finally {
    for (const sequence of sequences) sequence.dispose()
  }
}
