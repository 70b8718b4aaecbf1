import type { Page } from 'playwright'

/** A tab of its own profile, so that two tabs are two strangers. What the page logs as an error is kept. */
export interface Tab {
  readonly page: Page
  readonly errors: readonly string[]
  close(): Promise<void>
}
