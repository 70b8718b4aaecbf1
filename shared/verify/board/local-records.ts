import type { PeerName } from '../../base/ids.ts'
import { MAX_FOUND_GOLDEN } from './constants.ts'
import type { GoldenBook } from './golden-book.ts'
import type { RecordsPort } from './records-port.ts'
import type { VerdictBook } from './verdict-book.ts'

/** The relay's own registers for what lives in the same process: the same checks, no stream. */
export function localRecords(
  name: PeerName,
  { golden, verdicts }: { readonly golden: GoldenBook; readonly verdicts: VerdictBook },
): RecordsPort {
  return {
    publishGolden: (record) => golden.publish({ provider: name, golden: record }),
    findGolden: async (model, { providers = [] } = {}) =>
      golden.find(model, { providers, limit: MAX_FOUND_GOLDEN }).records,
    publishVerdict: (verdict) => verdicts.publish(verdict),
    findVerdicts: async (provider) => verdicts.find(provider),
    count: async () => verdicts.lastDay,
  }
}
