import { it } from 'vitest'
import { expectGoneOn } from '../fixtures/lost-provider.ts'

// `failover.long.e2e.ts` has one that crashes, one that is frozen, and the end of a relay.
it('an answer whose provider goes away goes on at another tab when the first one closes its tab', () =>
  expectGoneOn(
    'closes its tab',
    async (browser) => {
      const harmedAt = Date.now()
      await Promise.all(browser.contexts().map((context) => context.close()))
      return harmedAt
    },
    { noticedMs: [0, 1500], seamMs: 4000 }, // its farewell: below 0.5 s on a machine of its own
  ))
