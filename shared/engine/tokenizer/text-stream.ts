import type { ChatTokenizer } from './chat-tokenizer.ts'

/** Turns tokens that arrive a few at a time into text that only ever grows. */
export interface TextStream {
  /** All text so far. */
  readonly text: string
  /** Takes the next tokens and gives the text they add; '' while a character is still incomplete. */
  push(tokens: readonly number[]): string
  /** The answer is over: gives what was held back, with U+FFFD for a character that never became whole. */
  flush(): string
}

/** A window longer than this is cut down to its last {@link OVERLAP} tokens: decoding stays cheap in a long answer. */
const WINDOW = 24
/** Tokens kept before the new ones, since some decoders treat the first of a text differently (a leading space). */
const OVERLAP = 4

/**
 * A byte-level token may be half a character, as in emoji and most scripts beyond Latin: decoded alone it shows U+FFFD.
 * So the end of the decoded window is held back while it is U+FFFD.
 *
 * @example
 * const stream = createTextStream(tokenizer)
 * for await (const { tokens } of engine.generate(request)) show(stream.push(tokens))
 * show(stream.flush())
 */
export function createTextStream(tokenizer: Pick<ChatTokenizer, 'decode'>): TextStream {
  let window: number[] = []
  let shown = 0
  let text = ''

  function advance(decoded: string): string {
    const added = decoded.slice(shown)
    shown = Math.max(shown, decoded.length)
    text += added
    return added
  }

  return {
    get text() {
      return text
    },
    push(tokens) {
      window.push(...tokens)
      const decoded = tokenizer.decode(window)
      const whole = decoded.replace(/\ufffd+$/, '')
      const added = advance(whole)
      if (window.length > WINDOW && whole.length === decoded.length) {
        window = window.slice(-OVERLAP)
        shown = tokenizer.decode(window).length
      }
      return added
    },
    flush() {
      return advance(tokenizer.decode(window))
    },
  }
}
