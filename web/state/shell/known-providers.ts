import type { Clock } from '#shared/base/clock.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'

/** What was seen since is lost when a tab is reloaded or killed; what did not change is not written. */
const KEEP_EVERY_MS = SECOND_MS

export interface KnownProvidersComponents {
  readonly clock: Clock
  readonly store: { read(): Promise<unknown>; write(stored: unknown): Promise<void> }
}

/** The record of providers, kept from visit to visit. */
export class KnownProviders {
  readonly #components: KnownProvidersComponents
  readonly record: ProviderRecord
  /** What was kept or read last, as text. */
  #kept: string

  private constructor(components: KnownProvidersComponents, stored: unknown) {
    this.#components = components
    this.record = new ProviderRecord({ clock: components.clock }, stored)
    this.#kept = JSON.stringify(this.record.toStored())
    this.#keepLater()
  }

  /** Never rejects: what cannot be read is not known. */
  static async open(components: KnownProvidersComponents): Promise<KnownProviders> {
    return new KnownProviders(components, await components.store.read())
  }

  /** What a check found counts for who is asked next. A forgery was shown to this tab, whoever read the answer. */
  checked({ provider, jobId, by, shown, verifier, verdict }: CheckReport): void {
    const { outcome, difference, reason, class: runsOn } = verdict
    const seenBy = shown === 'forged' && difference === 'openings' ? 'self' : by
    this.record.checked(provider, { jobId, outcome, difference, reason, by: seenBy, verifier, class: runsOn })
    void this.keep()
  }

  /** A tab that saw nothing new writes nothing: another one may have. */
  async keep(): Promise<void> {
    const stored = this.record.toStored()
    const text = JSON.stringify(stored)
    if (text === this.#kept) return
    this.#kept = text
    await this.#components.store.write(stored)
  }

  #keepLater(): void {
    this.#components.clock.schedule(millis(KEEP_EVERY_MS), () => {
      void this.keep()
      this.#keepLater()
    })
  }
}
