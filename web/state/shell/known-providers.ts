import type { Clock } from '#shared/base/clock.ts'
import type { ChainAddress, PeerName } from '#shared/base/ids.ts'
import { millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import type { Stakes } from '#shared/schedule/record/heard.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import { KEEP_OPENINGS_MS } from '#shared/verify/openings/constants.ts'
import type { RecordStore } from '../../storage/provider-record.ts'

/** What was seen since is lost when a tab is reloaded or killed; what did not change is not written. */
const KEEP_EVERY_MS = SECOND_MS

/** So long after an answer, its provider is expected to open it: the first part of one was written minutes before its end. */
const OPENED_FOR_MS = KEEP_OPENINGS_MS - 10 * MINUTE_MS

export interface KnownProvidersComponents {
  readonly clock: Clock
  readonly store: RecordStore
  /** Who has a stake, by the chain. */
  readonly stakes: Stakes & { said(peer: PeerName, operators: readonly ChainAddress[]): Promise<void> }
}

/** The record of providers, kept from visit to visit and shared with the other tabs of this browser. */
export class KnownProviders {
  readonly #components: KnownProvidersComponents
  readonly record: ProviderRecord
  /** What this tab and the store had in common last. */
  #base: unknown
  /** The record as it was when it was kept or read last, as text. */
  #kept: string
  /** Acts on the store, one after the other. */
  #acting: Promise<void> = Promise.resolve()

  private constructor(components: KnownProvidersComponents, stored: unknown) {
    const { clock, store, stakes } = components
    this.#components = components
    this.record = new ProviderRecord({ clock, stakes }, stored)
    this.#base = stored
    this.#kept = this.#text
    store.onChange(() => void this.#act(() => this.#takeIn()))
    this.#keepLater()
  }

  /** Never rejects: what cannot be read is not known. */
  static async open(components: KnownProvidersComponents): Promise<KnownProviders> {
    return new KnownProviders(components, await components.store.read())
  }

  /** Brings what relays keep about providers into the record. */
  toldBy(registers: () => readonly RecordsPort[]): ToldEvidence {
    const { clock, stakes } = this.#components
    return new ToldEvidence({ clock, record: this.record, registers, stakes })
  }

  /**
   * What a check found counts for who is asked next. A forgery was shown to this tab, whoever read the answer; what need not
   * be kept any longer was not withheld.
   *
   * @param writtenAt when the answer was kept here, by the wall clock. @default just now
   */
  checked(
    { provider, jobId, by, shown, verifier, verdict }: CheckReport,
    { writtenAt }: { readonly writtenAt?: number | undefined } = {},
  ): void {
    const { model, head, outcome, difference, class: runsOn } = verdict
    const now = this.#components.clock.now()
    const isLate = now - (writtenAt ?? now) > OPENED_FOR_MS
    const reason = isLate && verdict.reason === 'withheld' ? undefined : verdict.reason
    const seenBy = shown === 'forged' && difference === 'openings' ? 'self' : by
    const seen = { jobId, model, head, outcome, difference, reason, by: seenBy, verifier, class: runsOn }
    this.record.checked(provider, seen)
    void this.keep()
  }

  /** A tab that saw nothing new writes nothing. What another tab has stored meanwhile is joined. */
  keep(): Promise<void> {
    return this.#act(async () => {
      if (this.#text !== this.#kept) await this.#join()
    })
  }

  /**
   * Whatever fails after the two were joined: what is stored is common then, and what this tab has beyond that comes with
   * its next change.
   */
  async #join(): Promise<void> {
    let merged: unknown
    const isKept = await this.#components.store.change((stored) => {
      merged = this.record.merge(this.#base, stored)
      this.#base = stored
      return merged
    })
    if (isKept) this.#base = merged
    this.#kept = isKept ? JSON.stringify(merged) : this.#text
  }

  /** What another tab has stored; this one's own news stay news. */
  async #takeIn(): Promise<void> {
    const stored = await this.#components.store.read()
    const isKept = this.#text === this.#kept
    this.record.merge(this.#base, stored)
    this.#base = stored
    if (isKept) this.#kept = this.#text
  }

  get #text(): string {
    return JSON.stringify(this.record.toStored())
  }

  #act(act: () => Promise<void>): Promise<void> {
    this.#acting = this.#acting.then(act)
    return this.#acting
  }

  #keepLater(): void {
    this.#components.clock.schedule(millis(KEEP_EVERY_MS), () => {
      void this.keep()
      this.#keepLater()
    })
  }
}
