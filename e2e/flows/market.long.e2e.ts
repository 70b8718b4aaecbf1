import { it } from 'vitest'
import { findAnvil } from '../chain/find-anvil.ts'
import { expectMarket } from '../fixtures/market.ts'
import { startMoneyNetwork } from '../fixtures/money-network.ts'

// npm brings anvil for Linux on x64 alone: elsewhere this waits for a Foundry installation.
it.skipIf(findAnvil() === undefined)(
  'a market of two tabs (needs anvil) deposits, asks, pays, lends, claims, stakes, unbonds and withdraws with both wallets of the kind: tab',
  async () => {
    await using network = await startMoneyNetwork({ hasRelayKey: true, args: ['--carry-claims', 'off'] })
    await expectMarket(network, 'tab')
  },
)
