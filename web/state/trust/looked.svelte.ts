import { InfernetError } from '#shared/errors/infernet-error.ts'

/** Something that is asked for now and then: a failure keeps the last good answer, and its age. */
export class Looked<T> {
  readonly #now: () => number
  #value = $state.raw<T | undefined>()
  #at = $state<number | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #going: Promise<void> | undefined

  constructor(now: () => number) {
    this.#now = now
  }

  get value(): T | undefined {
    return this.#value
  }
  /** When it was last answered; undefined before. */
  get at(): number | undefined {
    return this.#at
  }
  /** Why the last look failed. */
  get error(): InfernetError | undefined {
    return this.#error
  }

  /** One look at a time. Never throws. */
  look(ask: () => Promise<T>): Promise<void> {
    this.#going ??= this.#look(ask).finally(() => {
      this.#going = undefined
    })
    return this.#going
  }

  async #look(ask: () => Promise<T>): Promise<void> {
    try {
      this.#value = await ask()
      this.#at = this.#now()
      this.#error = undefined
    } catch (thrown) {
      this.#error = InfernetError.from(thrown)
    }
  }
}
