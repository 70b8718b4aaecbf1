import { describe, expect, it } from 'vitest'
import { millis } from '#shared/base/units.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { measureVoucher, voucherShareOfChunk } from './measure-voucher.ts'

describe('the price of a voucher in time', () => {
  it('is a small part of what a chunk takes at a hundred tokens a second', async () => {
    const times = await measureVoucher(realClock, 20)
    expect(times.signMs).toBeGreaterThan(0)
    expect(times.verifyMs).toBeGreaterThan(0)
    expect(voucherShareOfChunk(times, millis(320))).toBeLessThan(25)
    expect(voucherShareOfChunk({ signMs: millis(1), verifyMs: millis(3) }, millis(320))).toBe(1.25)
  })
})
