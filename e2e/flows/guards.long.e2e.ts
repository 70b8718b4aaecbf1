import { describe, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { expectAccessibleGuards, expectAccessibleMarks } from '../fixtures/guarded-wallet.ts'

describe.each(['light', 'dark'] as const)('the %s theme, narrow and wide', (theme) => {
  // npm brings anvil for Linux on x64 alone: elsewhere this waits for a Foundry installation.
  it.skipIf(findAnvil() === undefined)(
    'passes the accessibility checks of axe on what locks a wallet and opens it (needs anvil)',
    () => expectAccessibleGuards(theme, ['phone', 'wide']),
  )

  it('passes them on hidden characters in an answer, and on what a lender refuses', () =>
    expectAccessibleMarks(theme, ['phone', 'wide']))
})
