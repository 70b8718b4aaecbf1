import { millis } from '#shared/base/units.ts'
import { measureVoucher, type VoucherTimes } from './measure-voucher.ts'

/** What one voucher costs both sides, in this page. */
export function voucherMs(): Promise<VoucherTimes> {
  return measureVoucher({ monotonic: () => millis(performance.now()) })
}
