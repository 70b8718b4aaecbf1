import { sha256 } from '@noble/hashes/sha2.js'
import * as v from 'valibot'
import { toHex } from '../base/bytes.ts'
import { modelHash, type ModelHash } from '../base/ids.ts'
import { MIB } from '../base/units.ts'
import { encode } from '../wire/codec.ts'
import { integer, line, list } from '../wire/fields.ts'
import { tagOf } from '../wire/versions.ts'
import { TASKS } from './task.ts'

/** Weights travel and are checked in pieces of this size, so that a bad one is noticed early and fetched again alone. */
export const PIECE_BYTES = MIB

/** 4096 pieces are 4 GiB, the most that a wasm32 heap could hold. */
const MAX_PIECES = 4096
export const MAX_FILE_BYTES = MAX_PIECES * PIECE_BYTES

export const MAX_FILES = 32

/** A vector of so many numbers takes half a frame. */
export const MAX_DIMENSIONS = 8192

const hexDigest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
/** A relative path without `..`, so that no manifest reaches outside its folder, and in its one plain form. */
export const relativePath = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(/^(?!.*\.\.)(?!.*\/\.?(?:\/|$))[A-Za-z0-9_][A-Za-z0-9_./-]*$/),
)

const fileSchema = v.strictObject({
  path: relativePath,
  size: integer(0, MAX_FILE_BYTES),
  sha256: hexDigest,
  /** SHA-256 of each 1 MiB piece, the last one shorter. */
  pieces: list(hexDigest, MAX_PIECES),
})

/** A page of the web, or a file of the model. */
const licenceLink = v.union([
  relativePath,
  v.pipe(v.string(), v.maxLength(200), v.regex(/^https:\/\/[\w.-]+(?:\/[\w.~!$&'()*+,;=:@%/?#-]*)?$/)),
])

/** What its publisher says of who may use a model, and whether peers may hand it on. A manifest without it says nothing. */
export const licenceSchema = v.strictObject({
  /** The id on the hub's card, e.g. `apache-2.0`, or the name that the card gives a licence of its own. */
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9.+_-]{0,59}$/)),
  link: v.exactOptional(licenceLink),
  /** Whether it lets anybody hand the files on. What may not be handed on is never seeded. */
  mayPassOn: v.boolean(),
  /** Whether its hub gives it only to accounts that accepted its terms. */
  isGated: v.boolean(),
})
export type Licence = v.InferOutput<typeof licenceSchema>

/** The precision of weights and activations, as the hub's ONNX repositories name it. */
export const dtypeSchema = v.picklist(['fp32', 'q4', 'fp16', 'q4f16'])
export type Dtype = v.InferOutput<typeof dtypeSchema>

/** Where the hub's ONNX repositories keep the weights of each precision. */
export const WEIGHTS_PATHS: Readonly<Record<Dtype, string>> = {
  fp32: 'onnx/model.onnx',
  fp16: 'onnx/model_fp16.onnx',
  q4: 'onnx/model_q4.onnx',
  q4f16: 'onnx/model_q4f16.onnx',
}

/** Where the known answers of a precision lie beside its weights. */
export function goldenPath(dtype: Dtype): string {
  return `golden.${dtype}.json`
}

/**
 * Everything that decides a model's output, so that its hash names the model: the files of a Hugging Face ONNX
 * repository (weights, tokenizer, chat template inside `tokenizer_config.json`, configuration) and the precision.
 */
export const manifestSchema = v.strictObject({
  format: v.literal(tagOf('file', 'model')),
  /** A short id, e.g. `infernet-tiny`. */
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)),
  name: line(60),
  task: v.picklist(TASKS),
  dtype: dtypeSchema,
  /** The weights, one of `files`. */
  weights: relativePath,
  /** Prompt and answer together, in tokens; of an encoder, the longest text. */
  contextLength: integer(16, 1 << 20),
  vocabSize: integer(2, 1 << 20),
  /** What its tensors take, for the check whether it fits; a manifest without it is guessed at. */
  memory: v.exactOptional(
    v.strictObject({
      /** The largest weight, which has to lie in one buffer. */
      largestTensorBytes: integer(1, MAX_FILE_BYTES),
      /** What one token of one text takes in the KV cache. */
      cacheBytesPerToken: integer(1, 1 << 24),
    }),
  ),
  /** What only an encoder has: `task` is `feature-extraction`. */
  encoder: v.exactOptional(
    v.strictObject({
      /** Numbers of a vector. */
      dimensions: integer(1, MAX_DIMENSIONS),
    }),
  ),
  licence: v.exactOptional(licenceSchema),
  files: list(fileSchema, MAX_FILES),
})
export type Manifest = v.InferOutput<typeof manifestSchema>
export type ManifestFile = Manifest['files'][number]

/** SHA-256 over the deterministic CBOR of the manifest: the model's name on the wire. */
export function hashManifest(manifest: Manifest): ModelHash {
  return modelHash(toHex(sha256(encode(manifest))))
}

/** The bytes of all files together. */
export function manifestBytes(manifest: Manifest): number {
  return manifest.files.reduce((sum, file) => sum + file.size, 0)
}
