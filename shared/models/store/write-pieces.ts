import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import { makeRecords, save, type KeptFile } from './kept-file.ts'
import { DeviceFull, type FullReason, type StoreDevice } from './store-device.ts'
import { withFile } from './with-file.ts'

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
export async function writePieces(
  device: StoreDevice,
  file: ManifestFile,
  kept: KeptFile,
  pieces: readonly PieceBytes[],
): Promise<Written> {
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
  if (await fits(() => makeRecords(device, file)))
    await withFile(device, file.sha256, 'write', async (data) => {
      for (const { piece, bytes } of pieces) {
        const isKept = kept.map.has(piece) || (await fits(() => data.write(piece * PIECE_BYTES, bytes)))
        outcomes.push(isKept ? 'kept' : 'full')
      }
      if (!(await fits(() => data.flush()))) outcomes.fill('full')
    })
  if (outcomes.length === 0) return { outcomes: pieces.map(() => 'full'), fullReason }
  // Also where nothing fitted: the attempt has changed how the file looks.
  for (const [i, { piece }] of pieces.entries()) if (outcomes[i] === 'kept') kept.map.add(piece)
  await save(device, file, kept)
  return { outcomes, fullReason }
}
