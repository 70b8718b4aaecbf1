import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Unlock, UnlockQuestion } from '../../wallet/tab-keys.ts'

/** A question that stands open. */
interface OpenQuestion extends UnlockQuestion {
  /** Opens the wallet with it, or asks again. */
  answer(secret: Uint8Array<ArrayBuffer>): void
  /** Leaves it locked: what was to be signed is not. */
  decline(): void
}

/** Asks the visitor to open a locked wallet, one question after another. */
export class UnlockDesk {
  #question = $state.raw<OpenQuestion | undefined>()
  #last: Promise<unknown> = Promise.resolve()

  /** What is asked now; undefined while nothing is. */
  get question(): OpenQuestion | undefined {
    return this.#question
  }

  readonly ask: Unlock = (question) => {
    const answer = this.#last.then(() => this.#ask(question))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  async #ask(question: UnlockQuestion): Promise<Uint8Array<ArrayBuffer>> {
    const { signal } = question
    if (signal?.aborted) throw new InfernetError('wallet.locked')
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>()
    const decline = (): void => reject(new InfernetError('wallet.locked'))
    signal?.addEventListener('abort', decline, { once: true })
    this.#question = { ...question, answer: resolve, decline }
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', decline)
      this.#question = undefined
    }
  }
}
