import type { Decoder, Sequence } from '../decoder/decoder.ts'

/** Where the search begins: most devices that batch at all batch this well. */
const FIRST_WIDTH = 8
/** A second stream slows the first one, so batching must gain at least this much over it. */
const WORTHWHILE = 1.1
/** The first steps of a width compile its kernels and record its commands. */
const WARM_STEPS = 2
const TIMED_STEPS = 4
/** Steps as long as this even out by themselves: one warm and one timed must do. */
const LONG_STEP_MS = 150
/** A device so slow that this is over is not searched any further. */
const BUDGET_MS = 8000

export interface Width {
  readonly rows: number
  /** Tokens a second of all rows together over those of one alone. */
  readonly gain: number
}

/**
 * How many rows a step should hold on this device: the number at which it writes the most tokens in a second.
 *
 * It is measured, because adapters differ: on some a batch of four is 3.5 times as fast, on some it leaves the kernel
 * for single rows and is slower than one after the other. From eight the search goes up while it gains and else down.
 *
 * @param now monotonic milliseconds
 */
export async function measureWidth(decoder: Decoder, now: () => number): Promise<Width> {
  const { maxRows } = decoder
  if (maxRows === 1) return { rows: 1, gain: 1 }
  const until = now() + BUDGET_MS
  const alone = await throughput(decoder, 1, now)
  const gainOf = async (rows: number): Promise<Width> => ({
    rows,
    gain: (await throughput(decoder, rows, now)) / alone,
  })
  let best = await gainOf(Math.min(FIRST_WIDTH, maxRows))
  const goesUp = best.gain > WORTHWHILE
  for (let rows = best.rows; now() < until;) {
    rows = goesUp ? rows * 2 : rows / 2
    if (rows > maxRows || rows < 2) break
    const next = await gainOf(rows)
    if (goesUp && next.gain <= best.gain) break
    if (next.gain > best.gain) best = next
  }
  return best.gain > WORTHWHILE ? best : { rows: 1, gain: 1 }
}

/** Tokens a millisecond. Other programs only ever make a step longer, so the shortest one says the most. */
async function throughput(decoder: Decoder, width: number, now: () => number): Promise<number> {
  const sequences: Sequence[] = []
  try {
    for (let row = 0; row < width; row++) sequences.push(decoder.open())
    const begin = { tokens: [1, 1], last: undefined }
    await decoder.begin(sequences.map((sequence) => ({ sequence, ...begin })))
    const inputs = sequences.map((sequence) => ({ sequence, token: 1, hint: undefined }))
    const step = async (): Promise<number> => {
      const begun = now()
      await decoder.step(inputs)
      return now() - begun
    }
    const isLong = (await step()) > LONG_STEP_MS
    for (let i = 1; i < WARM_STEPS && !isLong; i++) await step()
    let fastestMs = Infinity
    for (let i = 0; i < TIMED_STEPS && (i === 0 || !isLong); i++)
      fastestMs = Math.min(fastestMs, await step())
    return width / Math.max(0.001, fastestMs)
  } finally {
    for (const sequence of sequences) sequence.dispose()
  }
}
