import { describe, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { expectAccessiblePages, expectAccessibleWallet } from '../fixtures/themes.ts'

describe('the light theme', () => {
  it('passes the accessibility checks of axe on every page, wide and on a phone', () =>
    expectAccessiblePages('light'))

  // npm brings anvil for Linux on x64 alone: elsewhere this waits for a Foundry installation.
  it.skipIf(findAnvil() === undefined)(
    'passes them on the Wallet page with money, dialogs too (needs anvil)',
    () => expectAccessibleWallet('light'),
  )
})
