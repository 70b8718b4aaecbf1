import { it } from 'vitest'
import { bySignal, expectGoneOn } from '../fixtures/lost-provider.ts'

it('an answer whose provider goes away goes on at another tab when the first one crashes', () =>
  // The relay's word: below 1 s on a machine of its own.
  expectGoneOn('crashes', bySignal('SIGKILL'), { noticedMs: [0, 2500], seamMs: 5000 }))
