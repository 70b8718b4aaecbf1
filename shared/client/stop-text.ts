/** Cuts a streamed text at the first of several words that end it. */
export interface StopText {
  /** True once one of them has come: the rest of the answer is of no interest. */
  readonly isStopped: boolean
  /** Takes the next piece and gives what of the text may be shown now; what may be the begin of a stop is held back. */
  push(text: string): string
  /** The answer is over: gives what was held back. */
  flush(): string
}

/**
 * For who reads an answer: a provider stops at token sequences, but a text may be written in many tokens, so a text
 * that ends an answer is looked for where the text is. It is no part of what is shown.
 *
 * @example
 * const stop = createStopText(['\nUser:'])
 * for await (const { tokens } of answer) {
 *   show(stop.push(stream.push(tokens)))
 *   if (stop.isStopped) break
 * }
 * show(stop.flush())
 */
export function createStopText(stops: readonly string[]): StopText {
  const words = stops.filter((stop) => stop !== '')
  let held = ''
  let isStopped = false
  return {
    get isStopped() {
      return isStopped
    },
    push(text) {
      if (isStopped) return ''
      const whole = held + text
      const found = words.map((word) => whole.indexOf(word)).filter((at) => at >= 0)
      isStopped = found.length > 0
      const shown = isStopped ? Math.min(...found) : whole.length - longestBegin(whole, words)
      held = isStopped ? '' : whole.slice(shown)
      return whole.slice(0, shown)
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/** How much of the end of a text may be the begin of one of the words. */
function longestBegin(text: string, words: readonly string[]): number {
  const longest = Math.max(0, ...words.map((word) => word.length - 1))
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(text.length - length)
    if (words.some((word) => word.startsWith(end))) return length
  }
  return 0
}
