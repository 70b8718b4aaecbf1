import type { Page, Worker } from 'playwright'

/** A tab of its own profile, so that two tabs are two strangers. What the page logs as an error is kept. */
export interface Tab {
  readonly page: Page
  readonly errors: readonly string[]
  close(): Promise<void>
}

/** The workers of a page that run an engine; it has others. */
export async function engineWorkers(page: Page): Promise<readonly Worker[]> {
  const named = await Promise.all(
    page.workers().map(async (worker) => ({ worker, name: await worker.evaluate(() => self.name) })),
  )
  return named.filter(({ name }) => name === 'engine').map(({ worker }) => worker)
}
