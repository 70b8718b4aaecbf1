import { needsAcceptance } from '../free-licences.ts'
import type { Manifest } from '../manifest.ts'
import type { MergedEntry } from './merge-catalogues.ts'

/** A list may call a model free. Where its own manifest names a licence that has to be accepted, that one holds. */
export function withOwnLicence(listed: MergedEntry, { licence }: Pick<Manifest, 'licence'>): MergedEntry {
  const { entry } = listed
  if (!licence || !needsAcceptance(licence) || needsAcceptance(entry.licence)) return listed
  const { id, link, mayPassOn, isGated } = licence
  // A licence that is a file of the model is read there.
  const page = link?.startsWith('https:') ? { link } : {}
  return { ...listed, entry: { ...entry, licence: { id: id.slice(0, 40), mayPassOn, isGated, ...page } } }
}
