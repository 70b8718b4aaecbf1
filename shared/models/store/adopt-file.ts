import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import { lengthOfPiece, lookAt, recordName, RecordWriter } from './kept-file.ts'
import { listOf } from './map-record.ts'
import { PieceMap } from './piece-map.ts'
import type { StoreDevice } from './store-device.ts'
import { withFile } from './with-file.ts'

/** Where a file grows whose pieces are not known yet; what names it is known of it before. */
export const partName = (name: string): string => `${name}.part`

/**
 * Gives a file its name that has grown under another one, and notes it as whole. Whoever calls has hashed all of it,
 * and holds its lock; it is not read again.
 *
 * A death in between leaves a file without a record, which is checked then, or the grown one.
 */
export async function adoptFile(device: StoreDevice, file: ManifestFile, grown: string): Promise<void> {
  const before = await lookAt(device, file)
  const isThere = grown === file.sha256
  if (before?.isWhole) return isThere ? undefined : device.remove(grown)
  if (!isThere) {
    await device.remove(file.sha256)
    await device.remove(recordName(file))
  }
  const records = new RecordWriter(device, file)
  try {
    await records.makeRoom()
    if (!isThere) await rename(device, file, grown)
    const map = new PieceMap(file.pieces.length)
    for (let piece = 0; piece < map.pieces; piece++) map.add(piece)
    const turn = before?.turn ?? 0
    await records.save({ turn, list: listOf(file), map, isWhole: true, isReadBack: false })
  } finally {
    await records.close()
  }
}

async function rename(device: StoreDevice, file: ManifestFile, grown: string): Promise<void> {
  if (device.rename) return device.rename(grown, file.sha256)
  await withFile(device, grown, 'read', (from) =>
    withFile(device, file.sha256, 'write', async (to) => {
      for (let piece = 0; piece < file.pieces.length; piece++) {
        const bytes = new Uint8Array(lengthOfPiece(file, piece))
        await from.read(piece * PIECE_BYTES, bytes)
        await to.write(piece * PIECE_BYTES, bytes)
      }
      await to.flush()
    }),
  )
  await device.remove(grown)
}
