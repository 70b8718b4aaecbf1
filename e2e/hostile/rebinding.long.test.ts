import { expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { withstands } from './withstand.ts'

it.skipIf(findAnvil() === undefined)(
  'withstands a page whose name was made to lead to the relay',
  async () => {
    const { attackerCost } = await withstands('rebinding')
    expect(attackerCost.requests).toBeGreaterThan(50)
  },
)
