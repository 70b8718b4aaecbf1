import type { PeerName } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { pickIndex } from './pick-index.ts'
import { OPTIMISTIC_MS, ROTATE_MS, UPLOAD_SLOTS } from './constants.ts'

/** Somebody who wants pieces, as the slots see it. */
export interface SlotCandidate {
  readonly peer: PeerName
  /** Bytes that we got from it lately. */
  readonly gotLately: number
  /** Bytes that it got from us, on all its streams: a new stream is no new start. */
  readonly given: number
  /** Had a slot and did not use it. */
  readonly isIdle: boolean
}

/**
 * Who is served: those who gave most lately, and one by chance, so that a newcomer can show what it gives.
 *
 * Between two turns nobody loses a slot to another: who comes, goes and changes its mind in quick succession would make
 * the slots of all others come and go, and those would take us for the one that plays with them.
 */
export class UploadSlots<Who extends SlotCandidate> {
  readonly #random: Random
  readonly #slots: number
  #optimistic: Who | undefined
  #chosenAt = -Infinity
  #served: ReadonlySet<Who> = new Set<Who>()
  #turnedAt = -Infinity

  constructor(random: Random, slots = UPLOAD_SLOTS) {
    this.#random = random
    this.#slots = slots
  }

  /** Those who are served until the next review. Of two who gave alike, whoever got less comes first. */
  review(interested: readonly Who[], now: number): ReadonlySet<Who> {
    const ranked = [...interested].sort(
      (a, b) => Number(a.isIdle) - Number(b.isIdle) || b.gotLately - a.gotLately || a.given - b.given,
    )
    const isTurn = now - this.#turnedAt >= ROTATE_MS
    if (isTurn) this.#turnedAt = now
    const staying = ranked.filter((who) => !isTurn && who !== this.#optimistic && this.#served.has(who))
    const served = this.#fill(staying, ranked)
    const rest = this.#others(served, ranked)
    const isOver = now - this.#chosenAt >= OPTIMISTIC_MS
    if (isOver || !this.#optimistic || !rest.includes(this.#optimistic)) {
      this.#optimistic = rest[pickIndex(this.#random, rest.length)]
      this.#chosenAt = now
    }
    if (this.#optimistic) served.add(this.#optimistic)
    this.#served = served
    return served
  }

  /** Each peer has one, before any has two: streams cost nothing. */
  #fill(staying: readonly Who[], ranked: readonly Who[]): Set<Who> {
    const served = new Set(staying)
    const peers = new Set(staying.map(({ peer }) => peer))
    for (const isFirst of [true, false])
      for (const who of ranked) {
        if (served.size >= this.#slots) return served
        if (isFirst && peers.has(who.peer)) continue
        served.add(who)
        peers.add(who.peer)
      }
    return served
  }

  #others(served: ReadonlySet<Who>, ranked: readonly Who[]): readonly Who[] {
    const rest = ranked.filter((who) => !served.has(who))
    const peers = new Set([...served].map(({ peer }) => peer))
    const strangers = rest.filter(({ peer }) => !peers.has(peer))
    return strangers.length > 0 ? strangers : rest
  }
}
