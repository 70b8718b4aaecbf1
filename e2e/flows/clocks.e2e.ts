import { it } from 'vitest'
import { expectFound } from '../fixtures/wrong-clocks.ts'

it('an asker whose clock is behind by two minutes finds a provider with another wrong clock, and says that it is off', () =>
  expectFound(
    { offMs: -120_000, words: 'This computer’s clock is 2 minutes behind the relay’s.' },
    { offMs: 90_000 },
  ))
