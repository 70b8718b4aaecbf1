import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '../../base/bytes.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Digest } from '../byte-source.ts'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import {
  encodeRecord,
  listOf,
  newestRecord,
  PLACE_BYTES,
  RECORD_PLACES,
  type MapRecord,
} from './map-record.ts'
import { PieceMap } from './piece-map.ts'
import { hashWhole, type Hasher } from './read-back.ts'
import type { DeviceFile, FileStamp, StoreDevice } from './store-device.ts'
import { hashOf, NO_FILE, withFile } from './with-file.ts'

/** What is known of a file that is kept; to be looked at and changed only while its lock is held. */
export interface KeptFile {
  readonly turn: number
  readonly list: string
  readonly map: PieceMap
  /** The whole file has had its SHA-256. */
  readonly isWhole: boolean
  /** Every piece was read again after the last of them was written, and was right. */
  readonly isReadBack: boolean
}

export interface CheckComponents {
  readonly device: StoreDevice
  readonly digest: Digest
  /** SHA-256 in parts. @default in JavaScript */
  readonly hasher?: (() => Hasher) | undefined
}

/** The SHA-256 of no byte. */
const EMPTY = toHex(sha256(new Uint8Array(0)))
const RECORDS_BYTES = RECORD_PLACES * PLACE_BYTES

export const recordName = (file: Pick<ManifestFile, 'sha256'>): string => `${file.sha256}.map`
export const lengthOfPiece = (file: ManifestFile, piece: number): number =>
  Math.min(PIECE_BYTES, file.size - piece * PIECE_BYTES)

/**
 * What the record says, where the file looks as it did then; undefined where it has to be checked.
 *
 * @throws InfernetError `models.corrupt` when the whole file was right before, and this manifest tells other
 *   pieces of it, or when it tells not as many as there must be, or another name of no byte
 */
export async function lookAt(device: StoreDevice, file: ManifestFile): Promise<KeptFile | undefined> {
  const isEmptyLie = file.size === 0 && file.sha256 !== EMPTY
  if (file.pieces.length !== Math.ceil(file.size / PIECE_BYTES) || isEmptyLie)
    throw new InfernetError('models.corrupt', { path: file.path })
  const list = listOf(file)
  const stamp = await device.stat(file.sha256)
  if (!stamp) {
    const nothing = { turn: 0, list, map: new PieceMap(file.pieces.length) }
    return { ...nothing, isWhole: file.sha256 === EMPTY, isReadBack: false }
  }
  const record = await readRecord(device, file)
  if (record?.stamp.size !== stamp.size || record.stamp.modifiedAt !== stamp.modifiedAt) return undefined
  if (record.list === list) return record
  if (record.isWhole) throw new InfernetError('models.corrupt', { path: file.path })
  return undefined
}

/**
 * Looks at every byte that is here, and keeps what is right. What an older page left, without a record, is taken over
 * in this way; after a crash it finds again what was written and not yet noted.
 *
 * @throws InfernetError `models.corrupt` when all of it is here by other pieces, and these are the right ones
 */
export async function checkAgain(components: CheckComponents, file: ManifestFile): Promise<KeptFile> {
  const { device, digest } = components
  const list = listOf(file)
  const before = await readRecord(device, file)
  if (before && before.list !== list) await judge(components, file, before)
  const noted = before?.list === list ? before.map : undefined
  const map = new PieceMap(file.pieces.length)
  await withFile(device, file.sha256, 'read', async (data) => {
    const size = (await device.stat(file.sha256))?.size ?? 0
    for (const [piece, expected] of file.pieces.entries()) {
      const [at, length] = [piece * PIECE_BYTES, lengthOfPiece(file, piece)]
      if (at + length > size) continue
      // Where nobody noted a piece there is a hole, as a rule, and it costs no hash to see that.
      if (before && !noted?.has(piece) && (await isHole(data, at, length))) continue
      const bytes = new Uint8Array(length)
      if ((await data.read(at, bytes)) === length && (await hashOf(digest, bytes)) === expected)
        map.add(piece)
    }
  })
  const kept = { turn: before?.turn ?? 0, list, map, isWhole: false, isReadBack: false }
  return save(device, file, kept)
}

/**
 * Of two manifests that tell other pieces of one file, one lies: the hash of the whole says which. Only here it is worth
 * its time, and what it finds is kept.
 */
async function judge(
  { device, hasher }: CheckComponents,
  file: ManifestFile,
  before: MapRecord,
): Promise<void> {
  const stamp = await device.stat(file.sha256)
  const isAsNoted = before.stamp.size === stamp?.size && before.stamp.modifiedAt === stamp.modifiedAt
  if (!isAsNoted || !before.map.isComplete) return
  if ((await hashWhole(device, file, before.stamp.size, hasher?.())) !== file.sha256) return
  await save(device, file, { ...before, isWhole: true })
  throw new InfernetError('models.corrupt', { path: file.path })
}

/** Notes how the file looks now, after everything else is on disk. */
export async function save(device: StoreDevice, file: ManifestFile, kept: KeptFile): Promise<KeptFile> {
  const records = new RecordWriter(device, file)
  try {
    return await records.save(kept)
  } finally {
    await records.close()
  }
}

/** The records of one file, open from one note to the next. */
export class RecordWriter {
  readonly #device: StoreDevice
  readonly #file: ManifestFile
  #opening: Promise<DeviceFile> | undefined
  #hasRoom = false
  /** How the file looked when it was noted here last. */
  #stamp: FileStamp | undefined

  constructor(device: StoreDevice, file: ManifestFile) {
    this.#device = device
    this.#file = file
  }

  /** Takes the room of both records, so that what is here can be noted on a disk that is full by then. */
  async makeRoom(): Promise<void> {
    if (this.#hasRoom) return
    const has = (await this.#device.stat(recordName(this.#file)))?.size ?? 0
    if (has < RECORDS_BYTES) await (await this.#open()).write(has, new Uint8Array(RECORDS_BYTES - has))
    this.#hasRoom = true
  }

  /** Notes how the file looks now, after everything else is on disk. */
  async save(kept: KeptFile): Promise<KeptFile> {
    return this.#write(kept, await this.#look())
  }

  /** Where a system stamps a file when it is closed, it looks otherwise after that: notes it as it looks then. */
  async saveAsClosed(kept: KeptFile): Promise<void> {
    const noted = this.#stamp
    if (!noted) return
    const stamp = await this.#look()
    if (stamp.size === noted.size && stamp.modifiedAt !== noted.modifiedAt) await this.#write(kept, stamp)
  }

  async close(): Promise<void> {
    await (await this.#opening)?.close()
  }

  async #look(): Promise<FileStamp> {
    return (await this.#device.stat(this.#file.sha256)) ?? { size: 0, modifiedAt: 0 }
  }

  async #write(kept: KeptFile, stamp: FileStamp): Promise<KeptFile> {
    const next = { ...kept, turn: kept.turn + 1 }
    const records = await this.#open()
    await records.write((next.turn % RECORD_PLACES) * PLACE_BYTES, encodeRecord({ ...next, stamp }))
    await records.flush()
    this.#stamp = stamp
    return next
  }

  #open(): Promise<DeviceFile> {
    const { sha256: name } = this.#file
    return (this.#opening ??= this.#device
      .open(recordName({ sha256: name }), 'write')
      .then((file) => file ?? NO_FILE))
  }
}

async function readRecord(device: StoreDevice, file: ManifestFile): Promise<MapRecord | undefined> {
  return withFile(device, recordName(file), 'read', async (records) => {
    const bytes = new Uint8Array(RECORDS_BYTES)
    return newestRecord(bytes.subarray(0, await records.read(0, bytes)))
  })
}

async function isHole(data: DeviceFile, at: number, length: number): Promise<boolean> {
  const begin = new Uint8Array(Math.min(PLACE_BYTES, length))
  await data.read(at, begin)
  return begin.every((byte) => byte === 0)
}
