import { TemplateError } from './template-error.ts'

/**
 * What one rendering may cost, in steps: each part of the template that is evaluated is one, and so is each
 * {@link CHARACTERS_PER_STEP} characters and each element that it makes or looks through. About a third of a second on
 * a slow machine. The largest real template needs some 20,000 for a chat of ten turns.
 */
const MAX_STEPS = 2_000_000
/** A long chat may cost more: so many steps for each character that is said. */
const STEPS_PER_CHARACTER = 4
const CHARACTERS_PER_STEP = 16
/** No text on the way, the result included, is longer than so many characters for each one said, and this much more. */
const MAX_TEXT = 1 << 20
const TEXT_PER_CHARACTER = 4
/** Macros within macros, lists within lists. Python ends at about 200 macros. */
const MAX_DEPTH = 100

/** Counts what a stranger's template costs, and ends it by name. */
export class Budget {
  #steps: number
  readonly #maxText: number
  #depth = 0
  #output = 0

  constructor(charactersSaid: number) {
    this.#steps = MAX_STEPS + STEPS_PER_CHARACTER * charactersSaid
    this.#maxText = MAX_TEXT + TEXT_PER_CHARACTER * charactersSaid
  }

  /** @throws TemplateError when nothing is left */
  spend(steps: number): void {
    this.#steps -= steps
    if (this.#steps < 0) throw new TemplateError('endless', 'too many steps')
  }

  /** To be called before a text or a list of that length is made. */
  spendText(characters: number): void {
    if (characters > this.#maxText) throw new TemplateError('endless', 'too much text')
    this.spend(1 + characters / CHARACTERS_PER_STEP)
  }

  /** What is printed, on the way or as the result, adds up. */
  spendOutput(characters: number): void {
    this.#output += characters
    if (this.#output > this.#maxText) throw new TemplateError('endless', 'too much text')
    this.spend(1 + characters / CHARACTERS_PER_STEP)
  }

  /** To be called before a list of that length is made. */
  spendElements(count: number): void {
    if (count > MAX_STEPS) throw new TemplateError('endless', 'too many elements')
    this.spend(1 + count)
  }

  within<T>(run: () => T): T {
    if (this.#depth >= MAX_DEPTH) throw new TemplateError('endless', 'too deep')
    this.#depth++
    try {
      return run()
    } finally {
      this.#depth--
    }
  }
}
