import { beforeEach, expect, it } from 'vitest'
import { baseUnits } from '#shared/base/units.ts'
import { ClaimBox } from '#shared/settle/claim-box.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import type { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { signVoucher } from '#shared/settle/voucher.ts'
import type { EscrowClient } from '#shared/chain/escrow-client.ts'
import { FakeChain } from '#shared/testing/fake-chain.ts'
import { ESCROW, operatorKey, PAYER, RELAY, sessionKey, STAKE } from '#shared/testing/payments.ts'
import { someModel } from '#shared/testing/peers.ts'
import { ClaimWatch } from './claim-watch.ts'
import { REORG_BLOCKS } from './limits.ts'

const line = { payer: PAYER, provider: operatorKey.address, model: someModel(), epoch: 0 }
/** Nothing waits in a pot. */
const escrow = { address: ESCROW.escrow, potOf: async () => ({ gross: 0n }) } as unknown as EscrowClient

let claimed: bigint
let box: ClaimBox
let ledger: PayeeLedger
let paid: [payer: string, model: string, amount: bigint][]
let watch: ClaimWatch

beforeEach(async () => {
  claimed = 0n
  paid = []
  const chain = Object.assign(new FakeChain(), { claimed: async () => baseUnits(claimed) })
  const views = new Map([[ESCROW.escrow, chain]])
  box = await ClaimBox.load(
    { store: new MemoryLedgerStore(), views },
    { chainId: ESCROW.chainId, stake: STAKE },
  )
  ledger = await box.own(ESCROW.escrow, operatorKey.address)
  watch = new ClaimWatch({
    box,
    views,
    onPaid: (_, { payer, model }, amount) => paid.push([payer, model, amount]),
  })
  await keep(1000n)
})

async function keep(cumulative: bigint): Promise<void> {
  const voucher = { ...line, relay: RELAY, cumulative: baseUnits(cumulative) }
  await ledger.keep(await signVoucher(ESCROW, voucher, sessionKey), { sessionExpiry: undefined })
}
const watchNow = (): void => {
  for (const boxed of box.ledgers)
    for (const held of boxed.ledger.vouchers) watch.watch({ held, boxed }, { isPaidOut: true })
}

it('tells what the chain paid of a line, each unit once, though a block is undone', async () => {
  watchNow()
  await watch.tend(escrow, 1n, 1n)
  expect(paid).toEqual([])
  claimed = 600n
  await watch.tend(escrow, 1n, 2n)
  await watch.tend(escrow, 1n, 3n)
  expect(paid).toEqual([[PAYER, someModel(), 600n]])
  claimed = 0n
  await watch.tend(escrow, 1n, 4n)
  watchNow()
  claimed = 1000n
  await watch.tend(escrow, 1n, 5n)
  expect(paid.map(([, , amount]) => amount)).toEqual([600n, 400n])
})

it('tells nothing twice of a line that is watched again after it was let go', async () => {
  watchNow()
  claimed = 400n
  await watch.tend(escrow, 1n, 2n)
  await watch.tend(escrow, 1n, 3n + BigInt(REORG_BLOCKS))
  watchNow()
  await watch.tend(escrow, 1n, 100n)
  expect(paid.map(([, , amount]) => amount)).toEqual([400n])
})
