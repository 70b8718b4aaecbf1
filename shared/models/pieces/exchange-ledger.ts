import type { Clock } from '../../base/clock.ts'
import type { PeerName } from '../../base/ids.ts'
import { MINUTE_MS } from '../../base/units.ts'
import { UPLOAD_BUDGET_BYTES, UPLOAD_BUDGET_MS } from './constants.ts'

/** Peers remembered at once. A forgotten one begins anew, which a fresh name could as well. */
const MAX_PEERS = 1024
/** What a peer gave counts half after this long. */
const HALF_LIFE_MS = MINUTE_MS

interface Account {
  since: number
  given: number
  got: number
  /** `got`, fading, as of `recentAt`. */
  recent: number
  recentAt: number
}

export interface ExchangeLedgerInit {
  /** What each peer gets for nothing in a day, in bytes. @default UPLOAD_BUDGET_BYTES */
  readonly budgetBytes?: number
}

/** What went to and came from each peer in this session, over all models, and who sent a wrong piece. */
export class ExchangeLedger {
  readonly #clock: Clock
  #budgetBytes: number
  readonly #accounts = new Map<PeerName, Account>()
  readonly #banned = new Set<PeerName>()

  constructor(clock: Clock, { budgetBytes = UPLOAD_BUDGET_BYTES }: ExchangeLedgerInit = {}) {
    this.#clock = clock
    this.#budgetBytes = budgetBytes
  }

  /** What each peer gets for nothing in a day from now on, in bytes; undefined for the usual. */
  setBudget(bytes: number | undefined): void {
    this.#budgetBytes = bytes ?? UPLOAD_BUDGET_BYTES
  }

  gave(peer: PeerName, bytes: number): void {
    this.#account(peer).given += bytes
  }

  got(peer: PeerName, bytes: number): void {
    const account = this.#account(peer)
    account.got += bytes
    account.recent = this.#recent(account) + bytes
    account.recentAt = this.#clock.monotonic()
  }

  /** Bytes that may still go to a peer: the day's budget, and what it gave. */
  allowance(peer: PeerName): number {
    const { given, got } = this.#account(peer)
    return this.#budgetBytes + got - given
  }

  /** Bytes that it got from us today. */
  given(peer: PeerName): number {
    return this.#account(peer).given
  }

  /** Bytes that it gave lately, fading: decides who is served first. */
  recentlyGot(peer: PeerName): number {
    const account = this.#accounts.get(peer)
    return account ? this.#recent(account) : 0
  }

  /** For a wrong piece: never asked and never served again in this session. */
  ban(peer: PeerName): void {
    this.#banned.add(peer)
    const eldest = this.#banned.values().next().value
    if (this.#banned.size > MAX_PEERS && eldest) this.#banned.delete(eldest)
  }

  isBanned(peer: PeerName): boolean {
    return this.#banned.has(peer)
  }

  #recent({ recent, recentAt }: Account): number {
    return recent * 2 ** ((recentAt - this.#clock.monotonic()) / HALF_LIFE_MS)
  }

  #account(peer: PeerName): Account {
    const now = this.#clock.monotonic()
    const known = this.#accounts.get(peer)
    this.#accounts.delete(peer) // and to the end again: the eldest goes first
    const account =
      known && now - known.since < UPLOAD_BUDGET_MS
        ? known
        : { since: now, given: 0, got: 0, recent: 0, recentAt: now }
    this.#accounts.set(peer, account)
    const eldest = this.#accounts.keys().next().value
    if (this.#accounts.size > MAX_PEERS && eldest) this.#accounts.delete(eldest)
    return account
  }
}
