/** On what a figure was measured, as far as it applies. */
interface Case {
  readonly model?: string
  readonly dtype?: string
  readonly backend?: string
  readonly adapter?: string
  /** Answers at once. */
  readonly streams?: number
  readonly path?: string
  /** Tokens that the model knows. */
  readonly vocabulary?: number
  /** Threads of the engine. */
  readonly threads?: number
  /** Of a relay under load: who is there, and how often they are heard. */
  readonly reservations?: number
  readonly offers?: number
  readonly pingIntervalMs?: number
  readonly offerRenewMs?: number
  readonly windowMs?: number
  /** Of a tab that provides: whether another one stands before it. */
  readonly visibility?: string
  /** Of a share of a chunk's time: how fast the chunk is written. */
  readonly tokensPerSecond?: number
  /** Of weights that come: who gives them, how its links are held, and what the machine did meanwhile. */
  readonly from?: string
  readonly seeders?: number
  readonly uploadMbitPerSecond?: number
  readonly shapedBy?: string
  /** Share of the time of all processors in which they worked. */
  readonly processorShare?: number
  /** The processors worked more than four fifths of the time: the figure says as much of this machine as of its links. */
  readonly isProcessorBound?: boolean
  readonly kills?: number
  /** Of what came again: which pieces. */
  readonly pieces?: string
  /** Of a model: where its weights lie. */
  readonly weights?: string
  readonly policy?: string
  /** What a cache may take, as a part of all models' bytes. */
  readonly room?: number
  /** Of a check: what the provider does wrong, how tokens are drawn, how many were checked, and who wrote for whom to read. */
  readonly cheat?: string
  readonly sampler?: string
  readonly tokens?: number
  readonly pair?: string
  /** Of walls: a file of `e2e/hostile/attacks`, and what of its cost the value counts. */
  readonly attack?: string
  readonly cost?: string
}

/** One line of standard output. */
export interface Figure {
  readonly bench: string
  readonly metric: string
  readonly case?: Case
  readonly value: number
  readonly unit: string
  /** Of a median of several runs: the lowest and the highest, and how many they were. */
  readonly low?: number
  readonly high?: number
  readonly runs?: number
  /** What ran beside ours in the same run, and what it came to. */
  readonly peer?: string
  readonly peerValue?: number
  /** Turned so that above 1 is better for us. */
  readonly ratio?: number
  /** What bounds the figure, and how it was measured, where the name does not say it. */
  readonly note?: string
  /** Of a figure that misses its aim: what was hoped for, and what a profile says of it. */
  readonly aim?: string
  readonly why?: string
}

export interface BenchOptions {
  /** Fewer repetitions and shorter windows, for a look while developing. */
  readonly quick: boolean
  /** More repetitions, where a bench knows of more. */
  readonly long: boolean
  /** Parts of names of cases, where a bench has cases; empty runs all. */
  readonly only: readonly string[]
  readonly print: (figure: Figure, aim?: Aim) => void
}

/** What a figure is hoped to be. A miss is said on standard error, and in the line where the aim has a `why`. */
export interface Aim {
  readonly atMost?: number
  readonly atLeast?: number
  /** @default 'value' */
  readonly of?: 'value' | 'ratio'
  readonly why?: string
}

/** Prints a figure with four digits that count, or all of a whole number, and says when it misses its aim. */
export function printFigure(figure: Figure, aim: Aim = {}): void {
  const { value, peerValue, ratio, low, high } = figure
  const missed = missOf(figure, aim)
  const rounded = {
    ...figure,
    value: round(value),
    ...(peerValue === undefined ? {} : { peerValue: round(peerValue) }),
    ...(low === undefined ? {} : { low: round(low) }),
    ...(high === undefined ? {} : { high: round(high) }),
    ...(ratio === undefined ? {} : { ratio: round(ratio) }),
    ...(missed && aim.why ? { aim: missed, why: aim.why } : {}),
  }
  console.log(JSON.stringify(rounded))
  if (missed) console.error(`${figure.metric} misses its aim: ${round(value)}, hoped for ${missed}`)
}

/** What was hoped for, of a figure that is not there. */
function missOf(figure: Figure, { atMost, atLeast, of = 'value' }: Aim): string | undefined {
  const reached = of === 'ratio' ? (figure.ratio ?? 0) : figure.value
  const prefix = of === 'ratio' ? 'a ratio of ' : ''
  if (atMost !== undefined && reached > atMost) return `${prefix}at most ${atMost}`
  return atLeast !== undefined && reached < atLeast ? `${prefix}at least ${atLeast}` : undefined
}

function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4))
}
