import * as v from 'valibot'
import { isFree } from './free-licences.ts'
import { licenceSchema, type Licence } from './manifest.ts'

/** Those that let files be handed on together with their own text, which binds whoever gets them. */
const WITH_TEXT = new Set([
  'llama2',
  'llama3',
  'llama3.1',
  'llama3.2',
  'llama3.3',
  'gemma',
  'openrail',
  'openrail++',
  'creativeml-openrail-m',
  'bigscience-openrail-m',
  'bigscience-bloom-rail-1.0',
  'bigcode-openrail-m',
  'gpl-2.0',
  'gpl-3.0',
  'lgpl-3.0',
  'agpl-3.0',
  'mpl-2.0',
])

/** Its own text, which travels with the model where a repository has it. */
const TEXT = /^(?:licen[cs]e|notice|copying|use_policy)(?:\.(?:md|txt))?$/i

export function isLicenceText(path: string): boolean {
  return TEXT.test(path)
}

/** What a card says, as the hub sends it. */
export interface CardLicence {
  readonly license?: unknown
  readonly license_name?: unknown
  readonly license_link?: unknown
}

const { id: idField, link: linkField } = licenceSchema.entries

/** The licence that a card names. `other` with a name of its own is that name; a card without a licence says `unknown`. */
export function licenceOf(card: CardLicence, isGated: boolean): Omit<Licence, 'mayPassOn'> {
  const named: unknown = Array.isArray(card.license) ? card.license[0] : card.license
  const given = named === 'other' && typeof card.license_name === 'string' ? card.license_name : named
  const id = v.is(idField, given) ? given : named === undefined ? 'unknown' : 'other'
  const link = card.license_link
  return { id, isGated, ...(v.is(linkField, link) && { link }) }
}

/**
 * Whether peers may hand the files on: never by an unknown licence, nor by one whose text is not among them though it
 * must go along. Licences against paid use are among the unknown: people are paid here.
 *
 * @param paths the files of the manifest
 */
export function mayPassOn({ id }: Pick<Licence, 'id'>, paths: readonly string[]): boolean {
  return isFree({ id }) || (WITH_TEXT.has(id) && paths.some(isLicenceText))
}
