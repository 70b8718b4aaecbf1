import type { PeerName } from '../base/ids.ts'

/** Questions of which what late relays said is kept: a page looks at a few models. */
const MAX_QUESTIONS = 16

/** What relays said that were late with it, by what they were asked; see `AskRelaysInit.late`. */
export class LateAnswers<Question, Answer> {
  readonly #answers = new Map<Question, Map<PeerName, Answer>>()

  /** Of one question, by relay. The question that was asked the longest ago is forgotten for a new one. */
  of(question: Question): Map<PeerName, Answer> {
    const known = this.#answers.get(question) ?? new Map<PeerName, Answer>()
    this.#answers.delete(question)
    this.#answers.set(question, known)
    const [eldest] = this.#answers.keys()
    if (this.#answers.size > MAX_QUESTIONS && eldest !== undefined) this.#answers.delete(eldest)
    return known
  }
}
