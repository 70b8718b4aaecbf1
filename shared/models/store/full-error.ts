import type { ErrorCode } from '../../errors/code-table.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { PieceStore } from './piece-store.ts'

/** What a download ends with when nothing more can be kept; what was kept before stays. */
export const FULL_CODES: readonly ErrorCode[] = ['models.quota-exceeded', 'models.disk-full']

/** The failure to end a download with after `put` said `full`. */
export function fullError({ fullReason }: Pick<PieceStore, 'fullReason'>): InfernetError {
  return new InfernetError(fullReason === 'disk' ? 'models.disk-full' : 'models.quota-exceeded')
}
