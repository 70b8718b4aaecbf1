import { InfernetError } from '../../errors/infernet-error.ts'

/** What one text may cost, about a second; real tokenizers take 20 to 300 steps for a character. */
const MIN_STEPS = 1 << 24
const STEPS_PER_CHARACTER = 512
/** What a text may become on the way. Unicode's own normal forms make up to 18 characters of one. */
const MIN_CHARACTERS = 1 << 16
const GROWTH = 32
/** What it costs to begin with a word at all. */
const STEPS_PER_PART = 64

/** Counts what a stranger's tokenizer does with one text, and ends it by name. */
export class TextBudget {
  #steps = MIN_STEPS
  #maxCharacters = MIN_CHARACTERS

  /** Before each text. */
  restart(characters: number): void {
    this.#steps = MIN_STEPS + STEPS_PER_CHARACTER * characters
    this.#maxCharacters = MIN_CHARACTERS + GROWTH * characters
  }

  get steps(): number {
    return this.#steps
  }

  /** @throws InfernetError `models.unsupported` when nothing is left */
  spend(steps: number): void {
    this.#steps -= steps
    if (!(this.#steps >= 0)) throw this.#tooMuch()
  }

  /** What a text has become, in all its parts. @throws InfernetError `models.unsupported` when it is too long */
  hold(parts: readonly string[]): void {
    const characters = parts.reduce((sum, part) => sum + part.length, 0)
    if (characters > this.#maxCharacters) throw this.#tooMuch()
    this.spend(STEPS_PER_PART * parts.length + characters)
  }

  #tooMuch(): InfernetError {
    return new InfernetError('models.unsupported', { reason: 'its tokenizer takes too much time or memory' })
  }
}
