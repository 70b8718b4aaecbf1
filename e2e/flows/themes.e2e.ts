import { describe, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { expectAccessiblePages, expectAccessibleWallet } from '../fixtures/themes.ts'

// `themes.long.e2e.ts` has the wide screen and the dark theme.
describe('the light theme on a phone', () => {
  it('passes the accessibility checks of axe on every page', () => expectAccessiblePages('light', ['phone']))

  // npm brings anvil for Linux on x64 alone: elsewhere this waits for a Foundry installation.
  it.skipIf(findAnvil() === undefined)(
    'passes them on the Wallet page with money, dialogs too (needs anvil)',
    () => expectAccessibleWallet('light', ['phone']),
  )
})
