import { expect, it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { withstands } from './withstand.ts'

it.skipIf(findAnvil() === undefined)(
  'withstands one address that asks the chain the dearest things it may, and some that it may not',
  async () => {
    const { attackerCost } = await withstands('expensive-calls')
    expect(attackerCost.requests).toBeGreaterThan(50)
  },
)
