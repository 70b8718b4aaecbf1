import { PIECE_BYTES } from '../manifest.ts'
import type { Writing } from './file-access.ts'
import { DeviceFull, type FullReason } from './store-device.ts'

export interface PieceBytes {
  readonly piece: number
  /** Checked already. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Written {
  /** In the order of the pieces. */
  readonly outcomes: readonly ('kept' | 'full')[]
  readonly fullReason: FullReason | undefined
}

/**
 * Writes pieces of one file, then flushes them, then notes them. Where the room ends in between, those that fitted are
 * noted all the same.
 */
export async function writePieces(writing: Writing, pieces: readonly PieceBytes[]): Promise<Written> {
  const { kept, records } = writing
  let fullReason: FullReason | undefined
  const fits = async (write: () => Promise<void>): Promise<boolean> => {
    try {
      await write()
      return true
    } catch (thrown) {
      if (!(thrown instanceof DeviceFull)) throw thrown
      fullReason = thrown.reason
      return false
    }
  }
  const outcomes: ('kept' | 'full')[] = []
  if (await fits(() => records.makeRoom())) {
    const data = await writing.data()
    for (const { piece, bytes } of pieces) {
      const isKept = kept.map.has(piece) || (await fits(() => data.write(piece * PIECE_BYTES, bytes)))
      outcomes.push(isKept ? 'kept' : 'full')
    }
    if (!(await fits(() => data.flush()))) outcomes.fill('full')
  }
  if (outcomes.length === 0) return { outcomes: pieces.map(() => 'full'), fullReason }
  // Also where nothing fitted: the attempt has changed how the file looks.
  for (const [i, { piece }] of pieces.entries()) if (outcomes[i] === 'kept') kept.map.add(piece)
  writing.kept = await records.save(kept)
  return { outcomes, fullReason }
}
