import type { PeerName } from '../base/ids.ts'
import { baseUnits, type BaseUnits } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { Assignment } from '../schedule/assignment.ts'
import { addressGroupsOf } from './address-groups.ts'
import type { AnswerEvent, AnswerSummary, Segment } from './peer.ts'

/** Whom a provider may belong to. */
interface Holder {
  readonly provider: PeerName
  /** Who is paid for it; its own name where nobody is. */
  readonly operator: string
  readonly groups: ReadonlySet<string>
}

/** One of two answers to the same prompt with the same seed: what came of it, and who writes it now. */
export class OneOfTwo {
  readonly #candidates = new Map<PeerName, Holder>()
  readonly #segments = new Map<string, Segment>()
  readonly #writers: { readonly from: number; readonly provider: PeerName }[] = []
  readonly tokens: number[]
  #holder: Holder | undefined
  summary: AnswerSummary | undefined
  failure: InfernetError | undefined
  isBegun = false
  /** Nobody is there for it now. */
  isWaiting = false
  /** A provider writes it now. */
  isWritten = false

  constructor(begun: readonly number[]) {
    this.tokens = [...begun]
  }

  /** It looks for providers, or has one. */
  get isRunning(): boolean {
    return this.isBegun && !this.summary && !this.failure
  }

  /** The position up to which whoever wrote last has signed. */
  get signedTo(): number {
    const writer = this.#writers.at(-1)?.provider
    const segment = [...this.#segments.values()].findLast(({ provider }) => provider === writer)
    return segment ? segment.from + segment.signedTokens : 0
  }

  /** Whether a provider may have this one, while `other` is written: nobody who may be the other's provider as well. */
  mayHave(assignment: Assignment, other: OneOfTwo): boolean {
    const holder = holderOf(assignment)
    this.#candidates.set(holder.provider, holder)
    return !other.#holder || !mayBeSame(holder, other.#holder)
  }

  /** Whether they are at providers that are not known to be one; both may have looked at the same moment. */
  isApartFrom(other: OneOfTwo): boolean {
    return !this.#holder || !other.#holder || !mayBeSame(this.#holder, other.#holder)
  }

  /** Who wrote the token at that position. */
  writerOf(position: number): PeerName | undefined {
    return this.#writers.findLast(({ from }) => from <= position)?.provider
  }

  take(event: AnswerEvent): void {
    switch (event.type) {
      case 'waiting':
        this.isWaiting = true
        break
      case 'assigned':
        this.isWaiting = false
        this.isWritten = true
        this.#holder = this.#candidates.get(event.segment.provider)
        this.#writers.push({ from: event.position, provider: event.segment.provider })
        this.#keep(event.segment)
        break
      case 'tokens':
        this.tokens.push(...event.tokens)
        break
      case 'chunk':
        this.#keep(event.segment)
        break
      case 'ended':
        this.#release()
        this.#keep(event.segment)
        break
      case 'seam':
        this.#release()
        break
      case 'done':
        this.#release()
        this.summary = event.summary
        break
      default:
    }
  }

  fail(reason: unknown): void {
    this.#release()
    this.failure = InfernetError.from(reason)
  }

  /** What its providers wrote, are owed or were paid. */
  get segments(): readonly Segment[] {
    const all = this.summary?.segments ?? [...this.#segments.values()]
    return all.filter(({ tokens, due, paid }) => tokens > 0 || due > 0n || paid > 0n)
  }

  get due(): BaseUnits {
    return baseUnits(this.segments.reduce((sum, { due }) => sum + due, 0n))
  }

  get paid(): BaseUnits {
    return baseUnits(this.segments.reduce((sum, { paid }) => sum + paid, 0n))
  }

  #release(): void {
    this.#holder = undefined
    this.isWritten = false
  }

  #keep(segment: Segment): void {
    this.#segments.set(`${segment.from}:${segment.provider}`, segment)
  }
}

function holderOf({ offer, quote }: Assignment): Holder {
  const { provider } = offer
  const operator = quote.quote.payment?.operator ?? provider
  return { provider, operator, groups: addressGroupsOf(offer) }
}

function mayBeSame(one: Holder, other: Holder): boolean {
  return one.operator === other.operator || [...one.groups].some((group) => other.groups.has(group))
}
