import * as v from 'valibot'
import { clip } from '../../base/text-bounds.ts'
import { MIB } from '../../base/units.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Finding } from '../lint-model.ts'
import {
  MAX_FILE_BYTES,
  MAX_FILES,
  relativePath,
  WEIGHTS_PATHS,
  type Dtype,
  type Licence,
} from '../manifest.ts'
import { dtypesIn, missingIn, pickFiles } from '../pick-files.ts'
import { isWeightsFile, pathBeside } from '../weight-files.ts'
import { isLicenceText, mayPassOn } from '../licence.ts'
import { MAX_JSON_BYTES, MAX_LICENCE_TEXT_BYTES } from './limits.ts'
import type { ListedFile, Listing } from './origin.ts'

/** The files of one precision. */
export interface Choice {
  readonly dtype: Dtype
  readonly weights: string
  /** In the manifest's order. */
  readonly paths: readonly string[]
  readonly totalBytes: number
  readonly licence: Licence | undefined
}

/**
 * Picks the files of a precision from a listing.
 *
 * @param beside what the graph names, relative to itself. @default what is called like the weights, until it is read
 * @throws InfernetError `origin.unsuitable` with what is missing or too large
 */
export function chooseFiles(listing: Listing, dtype: Dtype, beside?: readonly string[]): Choice {
  const { repository } = listing
  const usable = new Map(listing.files.filter(isUsable).map((file) => [file.path, file]))
  const here = [...usable.keys()]
  const weights = WEIGHTS_PATHS[dtype]
  const has = dtypesIn(here)
  if (!has.includes(dtype)) {
    const only = has.length > 0 ? `only ${has.join(', ')}` : 'and no other'
    throw unsuitable(`${repository} has no precision ${dtype} (${weights}), ${only}`)
  }
  const missing = missingIn(here)
  if (missing.length > 0) throw unsuitable(`${repository} has no ${missing.join(' and no ')}`)
  const named = beside?.map((name) => pathBeside(weights, name))
  const gone = named?.find((path) => !usable.has(path))
  if (gone !== undefined) throw unsuitable(`its weights lie in ${clip(gone, 100)}, which it does not have`)
  const likely = here.filter((path) => path !== weights && isLikelyBeside(path, weights))
  const paths = pickFiles(here, dtype, named ?? likely)
  if (paths.length > MAX_FILES) throw unsuitable(`it has ${paths.length} files, more than ${MAX_FILES}`)
  const files = paths.map((path) => usable.get(path)).filter((file) => file !== undefined)
  const large = files.find((file) => file.size > maxBytesOf(file.path, weights))
  if (large) throw unsuitable(`${large.path} has ${Math.ceil(large.size / MIB)} MiB, which is too large`)
  const licence = listing.licence && { ...listing.licence, mayPassOn: mayPassOn(listing.licence, paths) }
  return { dtype, weights, paths, totalBytes: files.reduce((sum, { size }) => sum + size, 0), licence }
}

/** @throws InfernetError `origin.unsuitable` with the first finding that no peer could live with */
export function refuseFindings(findings: readonly Finding[]): void {
  const refused = findings.find(({ level }) => level === 'refuse')
  if (!refused) return
  // A finding may quote a name of the graph's.
  const says = clip(refused.says.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ''), 400).replace(/\.$/, '')
  throw unsuitable(`its check "${refused.rule}" fails. ${says}`)
}

function isUsable({ path, size }: ListedFile): boolean {
  const isWhole = Number.isSafeInteger(size) && size >= 0
  return isWhole && v.is(relativePath, path) && !(isLicenceText(path) && size > MAX_LICENCE_TEXT_BYTES)
}

/** Whole folders are named by a graph alone. */
function isLikelyBeside(path: string, weights: string): boolean {
  return isWeightsFile(path, weights) && path.startsWith(weights)
}

/** The tokenizers of large vocabularies have 30 MB. */
const MAX_TOKENIZER_BYTES = 64 * MIB

function maxBytesOf(path: string, weights: string): number {
  if (path === 'tokenizer.json') return MAX_TOKENIZER_BYTES
  return isWeightsFile(path, weights) ? MAX_FILE_BYTES : MAX_JSON_BYTES
}

function unsuitable(reason: string): InfernetError {
  return new InfernetError('origin.unsuitable', { reason })
}
