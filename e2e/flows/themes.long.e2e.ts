import { describe, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import {
  expectAccessiblePages,
  expectAccessibleWallet,
  type Screens,
  type Theme,
} from '../fixtures/themes.ts'

const CASES: readonly (readonly [Theme, Screens])[] = [
  ['light', ['wide']],
  ['dark', ['wide', 'phone']],
]

describe.each(CASES)('the %s theme, %s', (theme, screens) => {
  it('passes the accessibility checks of axe on every page', () => expectAccessiblePages(theme, screens))

  // npm brings anvil for Linux on x64 alone: elsewhere this waits for a Foundry installation.
  it.skipIf(findAnvil() === undefined)(
    'passes them on the Wallet page with money, dialogs too (needs anvil)',
    () => expectAccessibleWallet(theme, screens),
  )
})
