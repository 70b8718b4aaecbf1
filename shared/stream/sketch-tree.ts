import * as v from 'valibot'
import { concatBytes, equalBytes, utf8 } from '../base/bytes.ts'
import { hashInto } from '../base/hash-often.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { MAX_OUTPUT_TOKENS } from '../prompt/constants.ts'
import { bytes, integer, list } from '../wire/fields.ts'
import { tagOf } from '../wire/versions.ts'
import { CHUNK_TOKENS } from './constants.ts'

/** Bytes of a token's sketch: its halves, little-endian. */
export const SKETCH_BYTES = 2 * SKETCH_SIZE

const LEAF_TAG = utf8(tagOf('hashed', 'sketch-leaf'))
const SALT_TAG = utf8(tagOf('hashed', 'sketch-salt'))
/** Where two hashes lie side by side while they are hashed. */
const NODE = new Uint8Array(64)

/** The sketch of one token, as its provider committed to it. */
export interface OpenedSketch {
  /** Position in the answer. */
  readonly position: number
  /** Sixteen halves (`createSketcher`). */
  readonly sketch: Uint16Array
}

/** Shows some sketches under one root. The others stay hidden: each leaf has a salt of its own. */
export interface SketchOpening {
  /** Position in the answer of the root's first token. */
  readonly from: number
  /** By rising position. */
  readonly leaves: readonly {
    readonly position: number
    readonly salt: Uint8Array
    readonly sketch: Uint8Array
  }[]
  /** The roots of the subtrees in which nothing is shown, from left to right. */
  readonly siblings: readonly Uint8Array[]
}

const position = integer(0, MAX_OUTPUT_TOKENS)

/** A {@link SketchOpening} on the wire and in files. */
export const sketchOpeningSchema = v.strictObject({
  from: position,
  leaves: v.pipe(
    list(v.strictObject({ position, salt: bytes(32), sketch: bytes(SKETCH_BYTES) }), CHUNK_TOKENS),
    v.minLength(1),
  ),
  siblings: list(bytes(32), CHUNK_TOKENS),
})

/**
 * The root that a provider signs with the tokens of a chunk: it commits to their sketches and shows nothing of them.
 *
 * The leaf of a token is SHA-256(tag ‖ salt ‖ position ‖ sketch), its salt SHA-256(tag ‖ secret ‖ position); a node is
 * SHA-256(left ‖ right). Of n leaves the left subtree holds the largest power of two below n (RFC 6962), so that no leaf
 * stands twice, and each position has one place, which follows from the number of tokens in the signed chunk. A leaf's
 * preimage is longer than a node's and tagged, so neither passes for the other. Positions are 32-bit little-endian words.
 *
 * @param secret 32 random bytes of the job, known to the provider alone
 * @param sketches of each token {@link SKETCH_SIZE} halves; at least one token
 * @param from position in the answer of the first of them
 */
export function sketchRoot(secret: Uint8Array, sketches: Uint16Array, from: number): Uint8Array {
  const leaves = leavesOf(secret, sketches, from)
  return rootOf(leaves, 0, leaves.length)
}

/**
 * Shows the sketches at some positions of a chunk.
 *
 * @param positions in the chunk, in any order; at least one
 */
export function openSketches(
  secret: Uint8Array,
  sketches: Uint16Array,
  from: number,
  positions: readonly number[],
): SketchOpening {
  const hashes = leavesOf(secret, sketches, from)
  const shown = new Set(positions)
  const siblings: Uint8Array[] = []
  const walk = (lo: number, hi: number): void => {
    if (!isShown(shown, from + lo, from + hi)) siblings.push(rootOf(hashes, lo, hi))
    else if (hi - lo > 1) {
      const middle = lo + leftOf(hi - lo)
      walk(lo, middle)
      walk(middle, hi)
    }
  }
  walk(0, hashes.length)
  const leaves = [...shown]
    .toSorted((a, b) => a - b)
    .map((at) => ({ position: at, salt: saltOf(secret, at), sketch: bytesAt(sketches, at - from) }))
  return { from, leaves, siblings }
}

/**
 * The sketches that an opening shows, by rising position.
 *
 * @param chunk position of its first token and how many it has, as its provider signed them
 * @throws InfernetError `verify.bad-openings` with the reason: `place` for positions that are not in the chunk or not in
 *   order, `form` for too few or too many hashes, `root` when they are not what was signed
 */
export function checkOpening(
  root: Uint8Array,
  opening: SketchOpening,
  { from, count }: { readonly from: number; readonly count: number },
): readonly OpenedSketch[] {
  const { leaves } = opening
  const isInPlace = leaves.every(
    ({ position: at }, i) => at >= from && at < from + count && at > (leaves[i - 1]?.position ?? -1),
  )
  if (opening.from !== from || leaves.length === 0 || !isInPlace) throw bad('place')
  const shown = new Set(leaves.map(({ position: at }) => at))
  const hashes = leaves.map(({ position: at, salt, sketch }) => leafOf(salt, at, sketch))
  const siblings = [...opening.siblings]
  const walk = (lo: number, hi: number): Uint8Array => {
    if (!isShown(shown, from + lo, from + hi)) return siblings.shift() ?? refuse('form')
    if (hi - lo === 1) return hashes.shift() ?? refuse('form')
    const middle = lo + leftOf(hi - lo)
    const left = walk(lo, middle)
    return nodeOf(left, walk(middle, hi))
  }
  const found = walk(0, count)
  if (siblings.length > 0) throw bad('form')
  if (!equalBytes(found, root)) throw bad('root')
  return leaves.map(({ position: at, sketch }) => ({ position: at, sketch: halvesOf(sketch) }))
}

function leavesOf(secret: Uint8Array, sketches: Uint16Array, from: number): Uint8Array[] {
  const count = sketches.length / SKETCH_SIZE
  if (count === 0 || !Number.isInteger(count)) throw new RangeError(`sketches of ${count} tokens`)
  const hashLeaf = createLeafHasher(secret)
  return Array.from({ length: count }, (_, i) =>
    hashLeaf(from + i, sketches.subarray(i * SKETCH_SIZE, (i + 1) * SKETCH_SIZE)),
  )
}

/** {@link leafOf} with the salt of a position, leaf after leaf in the same two messages: a provider does it at every token. */
function createLeafHasher(secret: Uint8Array): (at: number, sketch: Uint16Array) => Uint8Array {
  const salting = concatBytes(SALT_TAG, secret, new Uint8Array(4))
  const saltedAt = new DataView(salting.buffer, salting.length - 4)
  const message = concatBytes(LEAF_TAG, new Uint8Array(32 + 4 + SKETCH_BYTES))
  const salt = message.subarray(LEAF_TAG.length, LEAF_TAG.length + 32)
  const rest = new DataView(message.buffer, LEAF_TAG.length + 32)
  return (at, sketch) => {
    saltedAt.setUint32(0, at, true)
    hashInto(salting, salt)
    rest.setUint32(0, at, true)
    for (let i = 0; i < SKETCH_SIZE; i++) rest.setUint16(4 + 2 * i, sketch[i] ?? 0, true)
    return hashOf(message)
  }
}

function leafOf(salt: Uint8Array, at: number, sketch: Uint8Array): Uint8Array {
  return hashOf(concatBytes(LEAF_TAG, salt, wordOf(at), sketch))
}

function saltOf(secret: Uint8Array, at: number): Uint8Array {
  return hashOf(concatBytes(SALT_TAG, secret, wordOf(at)))
}

function nodeOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  NODE.set(left)
  NODE.set(right, 32)
  return hashOf(NODE)
}

function hashOf(message: Uint8Array): Uint8Array {
  const hash = new Uint8Array(32)
  hashInto(message, hash)
  return hash
}

/** Of the leaves from `lo` up to `hi`. */
function rootOf(leaves: readonly Uint8Array[], lo: number, hi: number): Uint8Array {
  const [only] = hi - lo === 1 ? leaves.slice(lo, hi) : []
  if (only) return only
  const middle = lo + leftOf(hi - lo)
  return nodeOf(rootOf(leaves, lo, middle), rootOf(leaves, middle, hi))
}

/** Leaves of the left subtree of `count`, two or more: the largest power of two below it. */
function leftOf(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1))
}

function isShown(shown: ReadonlySet<number>, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (shown.has(at)) return true
  return false
}

function wordOf(value: number): Uint8Array {
  const word = new Uint8Array(4)
  new DataView(word.buffer).setUint32(0, value, true)
  return word
}

function bytesAt(sketches: Uint16Array, token: number): Uint8Array {
  const sketch = new Uint8Array(SKETCH_BYTES)
  const view = new DataView(sketch.buffer)
  for (let i = 0; i < SKETCH_SIZE; i++) view.setUint16(2 * i, sketches[token * SKETCH_SIZE + i] ?? 0, true)
  return sketch
}

function halvesOf(sketch: Uint8Array): Uint16Array {
  const view = new DataView(sketch.buffer, sketch.byteOffset, sketch.length)
  return Uint16Array.from({ length: SKETCH_SIZE }, (_, i) => view.getUint16(2 * i, true))
}

function bad(reason: string): InfernetError {
  return new InfernetError('verify.bad-openings', { reason })
}

function refuse(reason: string): never {
  throw bad(reason)
}
