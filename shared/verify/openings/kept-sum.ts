import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fromHex, utf8 } from '../../base/bytes.ts'
import { tagOf } from '../../wire/versions.ts'
import { sketchBytes } from '../statistics/sketch-distance.ts'
import type { KeptJob } from './opening-store.ts'

/**
 * SHA-256 over a tag and all of a job that its openings are made of. A provider puts its name to what it opens; what came
 * back from a disk otherwise than it went there would make a forger of it.
 */
export function keptSum({
  link,
  from,
  secret,
  sketches,
}: Pick<KeptJob, 'link' | 'from' | 'secret' | 'sketches'>): Uint8Array<ArrayBuffer> {
  const place = new Uint8Array(4)
  new DataView(place.buffer).setUint32(0, from, true)
  const tag = utf8(tagOf('hashed', 'kept-openings'))
  return new Uint8Array(sha256(concatBytes(tag, fromHex(link), place, secret, sketchBytes(sketches))))
}
