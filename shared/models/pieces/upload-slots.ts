import type { Random } from '../../base/random.ts'
import { pickIndex } from './pick-index.ts'
import { OPTIMISTIC_MS, UPLOAD_SLOTS } from './constants.ts'

/** Somebody who wants pieces, as the slots see it. */
export interface SlotCandidate {
  /** Bytes that we got from it lately. */
  readonly gotLately: number
  /** Bytes that it got on this stream. */
  readonly given: number
  /** Had a slot and did not use it. */
  readonly isIdle: boolean
}

/** Who is served: those who gave most lately, and one by chance, so that a newcomer can show what it gives. */
export class UploadSlots<Who extends SlotCandidate> {
  readonly #random: Random
  readonly #slots: number
  #optimistic: Who | undefined
  #chosenAt = -Infinity

  constructor(random: Random, slots = UPLOAD_SLOTS) {
    this.#random = random
    this.#slots = slots
  }

  /** Those who are served until the next review. Of two who gave alike, whoever got less comes first. */
  review(interested: readonly Who[], now: number): ReadonlySet<Who> {
    const ranked = [...interested].sort(
      (a, b) => Number(a.isIdle) - Number(b.isIdle) || b.gotLately - a.gotLately || a.given - b.given,
    )
    const served = new Set(ranked.slice(0, this.#slots))
    const rest = ranked.slice(this.#slots)
    const isOver = now - this.#chosenAt >= OPTIMISTIC_MS
    if (isOver || !this.#optimistic || !rest.includes(this.#optimistic)) {
      this.#optimistic = rest[pickIndex(this.#random, rest.length)]
      this.#chosenAt = now
    }
    if (this.#optimistic) served.add(this.#optimistic)
    return served
  }
}
