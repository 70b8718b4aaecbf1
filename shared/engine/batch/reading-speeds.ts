/** As many runs of a kind are timed before they are judged: the first ones compile. */
const TRIES = 3

interface Timed {
  runs: number
  /** Of one token, in the fastest run: other programs only ever make one longer. */
  fastestMs: number
}

/**
 * Whether several prompts are read faster in one run than one after the other, learned from the runs themselves, so that
 * starting an engine takes no longer for it. Runs are compared with those of about as many tokens a row.
 */
export class ReadingSpeeds {
  readonly #timed = new Map<string, Timed>()

  /** @param ms of one run of `rows` prompts, `count` tokens of each */
  note(rows: number, count: number, ms: number): void {
    const key = keyOf(rows > 1, count)
    const timed = this.#timed.get(key) ?? { runs: 0, fastestMs: Infinity }
    timed.runs++
    timed.fastestMs = Math.min(timed.fastestMs, ms / (rows * count))
    this.#timed.set(key, timed)
  }

  /** Until both ways are known it is the answer that has the other one tried. */
  isJointFaster(count: number): boolean {
    const [alone, joint] = [this.#timed.get(keyOf(false, count)), this.#timed.get(keyOf(true, count))]
    if (!joint || joint.runs < TRIES) return true
    return alone !== undefined && alone.runs >= TRIES && joint.fastestMs <= alone.fastestMs
  }
}

/** Lengths of one power of two are taken for alike. */
function keyOf(isJoint: boolean, count: number): string {
  return `${isJoint ? 'joint' : 'alone'} ${31 - Math.clz32(count)}`
}
