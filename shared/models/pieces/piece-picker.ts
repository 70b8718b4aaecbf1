import type { Random } from '../../base/random.ts'
import type { PieceMap } from '../store/piece-map.ts'
import { MAX_ENDGAME_SOURCES, RANDOM_PIECES } from './constants.ts'
import { pickIndex } from './pick-index.ts'

/** What is known of one piece. */
const PIECE = { unwanted: 0, missing: 1, held: 2 } as const

/** Decides which piece is asked for next. Pieces go by their flat numbers. */
export class PiecePicker {
  readonly #random: Random
  readonly #state: Uint8Array
  /** By how many it is being fetched. */
  readonly #askers: Uint8Array
  /** How many of those take too long: at the end nobody waits for them. */
  readonly #slow: Uint8Array
  /** How many of the connected peers have it. */
  readonly #copies: Uint16Array
  /** From here to before there somebody reads on soon, in order. */
  #ahead = { from: 0, to: 0 }
  #missing = 0
  /** Missing, and fetched by nobody. */
  #free = 0
  #taken = 0

  /** @param wanted the pieces to bring; @param held those that are here already */
  constructor(pieces: number, wanted: Iterable<number>, held: PieceMap, random: Random) {
    this.#random = random
    this.#state = new Uint8Array(pieces)
    this.#askers = new Uint8Array(pieces)
    this.#slow = new Uint8Array(pieces)
    this.#copies = new Uint16Array(pieces)
    for (const piece of wanted) {
      if (held.has(piece)) this.#keepOld(piece)
      else if (this.#state[piece] === PIECE.unwanted) {
        this.#state[piece] = PIECE.missing
        this.#missing++
      }
    }
    this.#free = this.#missing
  }

  /** Pieces that are wanted and not here. */
  get missing(): number {
    return this.#missing
  }

  /** Everything that is missing is being fetched: nothing is left but to ask for it twice. */
  get isEndgame(): boolean {
    return this.#missing > 0 && this.#free === 0
  }

  isMissing(piece: number): boolean {
    return this.#state[piece] === PIECE.missing
  }

  /** Missing, and fetched by nobody. */
  isFree(piece: number): boolean {
    return this.isMissing(piece) && this.#askers[piece] === 0
  }

  /** Whether a peer with this map has anything that is missing. */
  hasUse(map: PieceMap): boolean {
    for (let piece = 0; piece < this.#state.length; piece++)
      if (this.isMissing(piece) && map.has(piece)) return true
    return false
  }

  addPeer(map: PieceMap): void {
    this.#count(map, 1)
  }

  removePeer(map: PieceMap): void {
    this.#count(map, -1)
  }

  addCopy(piece: number): void {
    this.#copies[piece] = (this.#copies[piece] ?? 0) + 1
  }

  removeCopy(piece: number): void {
    this.#copies[piece] = Math.max(0, (this.#copies[piece] ?? 0) - 1)
  }

  /**
   * The next piece to ask of who has these: by chance at first, then what fewest have; of those by chance. What is read in
   * order soon comes last, so that it is read without a break.
   */
  next(map: PieceMap): number | undefined {
    if (this.#free === 0) return undefined
    const { from, to } = this.#ahead
    const canBe = (piece: number): boolean => this.isFree(piece) && map.has(piece)
    const weigh = (piece: number): number => (this.#taken < RANDOM_PIECES ? 0 : (this.#copies[piece] ?? 0))
    const elsewhere = (piece: number): boolean => (piece < from || piece >= to) && canBe(piece)
    return this.#least(elsewhere, weigh) ?? this.#least(canBe, weigh)
  }

  /** At the end: a piece that others fetch already, the one that fewest do. Those that are slow are not counted. */
  nextAgain(map: PieceMap, isMine: (piece: number) => boolean): number | undefined {
    if (!this.isEndgame) return undefined
    const askersOf = (piece: number): number => (this.#askers[piece] ?? 0) - (this.#slow[piece] ?? 0)
    const canBe = (piece: number): boolean =>
      this.isMissing(piece) && map.has(piece) && !isMine(piece) && askersOf(piece) < MAX_ENDGAME_SOURCES
    return this.#least(canBe, askersOf)
  }

  /** Missing, fetched by nobody, and none of the connected peers has it. */
  isLacking(piece: number): boolean {
    return this.isFree(piece) && this.#copies[piece] === 0
  }

  /** Where the longest run of free pieces within one of these bounds begins, for who reads in order. */
  longestRun(
    bounds: readonly (readonly [start: number, end: number])[],
    canBe: (piece: number) => boolean = (piece) => this.isFree(piece),
  ): { readonly start: number; readonly length: number } | undefined {
    let best: { start: number; length: number } | undefined
    for (const [start, end] of bounds) {
      let from = start
      for (let piece = start; piece <= end; piece++) {
        if (piece < end && canBe(piece)) continue
        if (piece - from > (best?.length ?? 0)) best = { start: from, length: piece - from }
        from = piece + 1
      }
    }
    return best
  }

  /**
   * Somebody reads in order, this one next: those who can choose leave the nearer half of the free run before it alone.
   * Undefined: it reads no more.
   */
  readAhead(next: number | undefined): void {
    let end = next ?? 0
    while (next !== undefined && this.isFree(end)) end++
    this.#ahead = { from: next ?? 0, to: (next ?? 0) + Math.ceil((end - (next ?? 0)) / 2) }
  }

  /** Somebody fetches it now. */
  take(piece: number): void {
    if (this.isFree(piece)) this.#free--
    this.#askers[piece] = (this.#askers[piece] ?? 0) + 1
  }

  /** One of those who fetch it takes too long. */
  slow(piece: number): void {
    this.#slow[piece] = (this.#slow[piece] ?? 0) + 1
  }

  /** Somebody fetches it no more, whether it came or not. */
  release(piece: number, wasSlow = false): void {
    if (wasSlow) this.#slow[piece] = Math.max(0, (this.#slow[piece] ?? 0) - 1)
    this.#askers[piece] = Math.max(0, (this.#askers[piece] ?? 0) - 1)
    if (this.isFree(piece)) this.#free++
  }

  /** It is here. */
  keep(piece: number): void {
    if (!this.isMissing(piece)) return
    if (this.isFree(piece)) this.#free--
    this.#state[piece] = PIECE.held
    this.#missing--
    this.#taken++
  }

  #keepOld(piece: number): void {
    if (this.#state[piece] !== PIECE.unwanted) return
    this.#state[piece] = PIECE.held
    this.#taken++
  }

  #count(map: PieceMap, by: number): void {
    for (let piece = 0; piece < this.#copies.length; piece++)
      if (map.has(piece)) this.#copies[piece] = Math.max(0, (this.#copies[piece] ?? 0) + by)
  }

  #least(canBe: (piece: number) => boolean, weigh: (piece: number) => number): number | undefined {
    let least = Infinity
    let best: number[] = []
    for (let piece = 0; piece < this.#state.length; piece++) {
      if (!canBe(piece)) continue
      const weight = weigh(piece)
      if (weight > least) continue
      if (weight < least) best = []
      least = weight
      best.push(piece)
    }
    return best[pickIndex(this.#random, best.length)]
  }
}
