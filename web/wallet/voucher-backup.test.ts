import { describe, expect, it } from 'vitest'
import { chainAddress, modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import type { HeldVoucher } from '#shared/settle/payee-ledger.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { VoucherBackup } from './voucher-backup.ts'

const address = (digit: string) => chainAddress(`0x${digit.repeat(40)}`)

function held(cumulative: bigint, claimed = 0n): HeldVoucher {
  return {
    voucher: {
      payer: address('1'),
      provider: address('2'),
      relay: address('3'),
      model: modelHash('a'.repeat(64)),
      epoch: 0,
      cumulative: baseUnits(cumulative),
    },
    signer: address('4'),
    signature: new Uint8Array(64),
    claimed: baseUnits(claimed),
    sessionExpiry: undefined,
  }
}

function setUp(first: HeldVoucher) {
  const clock = new FakeClock()
  const scene = { vouchers: [first], isUp: true, left: [] as bigint[] }
  const backup = new VoucherBackup({
    clock,
    vouchers: () => scene.vouchers,
    leave: async (vouchers: readonly SignedVoucher[]) => {
      if (!scene.isUp) throw new Error('no relay')
      scene.left.push(...vouchers.map(({ voucher }) => voucher.cumulative))
      return vouchers
    },
  })
  return { clock, scene, backup }
}

describe('vouchers that are left with relays', () => {
  it('go there once each, and again when they are worth more', async () => {
    const { clock, scene, backup } = setUp(held(5n))
    backup.start()
    await clock.advance(5000)
    await clock.advance(5000)
    expect(scene.left).toEqual([5n])
    scene.vouchers = [held(9n)]
    await clock.advance(5000)
    expect(scene.left).toEqual([5n, 9n])
  })

  it('are tried again when no relay took them, and a last time at the end', async () => {
    const { clock, scene, backup } = setUp(held(5n))
    scene.isUp = false
    backup.start()
    await clock.advance(5000)
    scene.isUp = true
    await backup.stop()
    expect(scene.left).toEqual([5n])
  })

  it('go right after those that are on their way', async () => {
    const { scene, backup } = setUp(held(5n))
    const first = backup.keep()
    scene.vouchers = [held(9n)]
    await Promise.all([first, backup.keep(), backup.keep()])
    expect(scene.left).toEqual([5n, 9n])
  })

  it('stay here when everything is claimed', async () => {
    const { scene, backup } = setUp(held(5n, 5n))
    await backup.keep()
    expect(scene.left).toEqual([])
  })
})
