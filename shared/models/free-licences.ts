import type { Licence } from './manifest.ts'

/** Licences that let anybody use files and hand them on, by the hub's ids for them. */
const FREE: ReadonlySet<string> = new Set([
  'apache-2.0',
  'mit',
  'bsd',
  'bsd-2-clause',
  'bsd-3-clause',
  'bsd-3-clause-clear',
  'isc',
  'zlib',
  'unlicense',
  'wtfpl',
  'bsl-1.0',
  'cc0-1.0',
  'cc-by-2.0',
  'cc-by-2.5',
  'cc-by-3.0',
  'cc-by-4.0',
  'cc-by-sa-3.0',
  'cc-by-sa-4.0',
  'cdla-permissive-1.0',
  'cdla-permissive-2.0',
  'odc-by',
  'pddl',
])

/** Whether a licence asks nothing of whoever uses the files. */
export function isFree({ id }: Pick<Licence, 'id'>): boolean {
  return FREE.has(id)
}

/**
 * Whether a person has to accept a licence before the files are loaded, from wherever they come. Not where it is free:
 * there is nothing to agree to, and its name is shown. Always where it is unknown, where its text binds whoever has the
 * files, or where the hub wants its terms accepted.
 *
 * Whoever asks another computer gets nothing that it covers but a tokenizer, so there its name is shown and no more.
 */
export function needsAcceptance({ id, isGated }: Pick<Licence, 'id' | 'isGated'>): boolean {
  return isGated || !isFree({ id })
}
