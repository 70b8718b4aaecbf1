import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes, fromHex, toHex, utf8 } from '../../base/bytes.ts'
import type { ManifestFile } from '../manifest.ts'
import { PieceMap } from './piece-map.ts'
import type { FileStamp } from './store-device.ts'

/**
 * What a store knows of one file, as it stands on disk beside it.
 *
 * There are two places for it, and a new record goes over the older one. So the last good record is never touched, and
 * a write that is cut off anywhere leaves it: its own sum is wrong. A log that only grows would survive the same, and
 * would have to be cut one day; two places of one disk block each never grow, and need no room on a full disk.
 */
export interface MapRecord {
  /** Counts the records of this file; the higher of two is the newer. */
  readonly turn: number
  /** How the file looked when all this was so. Where it looks otherwise, nothing of it is believed. */
  readonly stamp: FileStamp
  /** Of the size and the pieces that the map is of: two manifests may tell different pieces of one file. */
  readonly list: string
  /** The whole file has had its SHA-256. */
  readonly isWhole: boolean
  /** Every piece was read again after the last of them was written, and was right. */
  readonly isReadBack: boolean
  readonly map: PieceMap
}

/** One disk block: a write that is cut off spoils no other. */
export const PLACE_BYTES = 4096
export const RECORD_PLACES = 2

const MARK = utf8('IFM1')
const [TURN, SIZE, MODIFIED, PROOF, PIECES, LIST, BITS] = [4, 8, 16, 24, 28, 32, 64] as const
const SUM_BYTES = 32
/** Bits of what was proved of the file. A page of before knows the first alone. */
const [WHOLE, READ_BACK] = [1, 2] as const
const MAX_PIECES = (PLACE_BYTES - BITS - SUM_BYTES) * 8

const lists = new WeakMap<readonly string[], { readonly size: number; readonly list: string }>()

/** What tells one list of pieces from another, as hex digits. It is asked for at each look, and may be of 270 kB. */
export function listOf({ size, pieces }: Pick<ManifestFile, 'size' | 'pieces'>): string {
  const known = lists.get(pieces)
  if (known?.size === size) return known.list
  const list = toHex(sha256(utf8(`${size} ${pieces.join(' ')}`)))
  lists.set(pieces, { size, list })
  return list
}

export function encodeRecord(record: MapRecord): Uint8Array<ArrayBuffer> {
  const { turn, stamp, list, isWhole, isReadBack, map } = record
  const bits = map.toBytes()
  const bytes = new Uint8Array(BITS + bits.length + SUM_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(MARK)
  view.setUint32(TURN, turn)
  view.setFloat64(SIZE, stamp.size)
  view.setFloat64(MODIFIED, stamp.modifiedAt)
  view.setUint8(PROOF, (isWhole ? WHOLE : 0) | (isReadBack ? READ_BACK : 0))
  view.setUint32(PIECES, map.pieces)
  bytes.set(fromHex(list), LIST)
  bytes.set(bits, BITS)
  bytes.set(sha256(bytes.subarray(0, -SUM_BYTES)), bytes.length - SUM_BYTES)
  return bytes
}

/** The newer of the good records in what the file beside holds; undefined where none is good. */
export function newestRecord(beside: Uint8Array): MapRecord | undefined {
  const [first, second] = [0, 1].map((place) => decodeRecord(beside.subarray(place * PLACE_BYTES)))
  if (!first || !second) return first ?? second
  return first.turn > second.turn ? first : second
}

function decodeRecord(bytes: Uint8Array): MapRecord | undefined {
  if (bytes.length < BITS || !equalBytes(bytes.subarray(0, MARK.length), MARK)) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const pieces = view.getUint32(PIECES)
  if (pieces > MAX_PIECES) return undefined
  const end = BITS + Math.ceil(pieces / 8)
  const sum = bytes.subarray(end, end + SUM_BYTES)
  if (!equalBytes(sum, sha256(bytes.subarray(0, end)))) return undefined
  const map = PieceMap.from(bytes.subarray(BITS, end), pieces)
  if (!map) return undefined
  return {
    turn: view.getUint32(TURN),
    stamp: { size: view.getFloat64(SIZE), modifiedAt: view.getFloat64(MODIFIED) },
    list: toHex(bytes.subarray(LIST, BITS)),
    isWhole: (view.getUint8(PROOF) & WHOLE) !== 0,
    isReadBack: (view.getUint8(PROOF) & READ_BACK) !== 0,
    map,
  }
}
