import { usualPrecision } from '#shared/models/catalogue/entry.ts'
import type { MergedEntry } from '#shared/models/catalogue/merge-catalogues.ts'
import { WRITING } from '#shared/models/task.ts'
import type { NamedModel } from '../models/services.ts'

/** What lists know by its hub's name alone, of the kind that can be added here: what writes text. */
export function namedIn(proposals: readonly MergedEntry[]): readonly NamedModel[] {
  return proposals.flatMap(({ entry }) => {
    const usual = usualPrecision(entry)
    const origin = entry.origins.find(({ kind }) => kind === 'hub')
    if (!usual || origin?.kind !== 'hub' || entry.task !== WRITING) return []
    const { id, link, mayPassOn, isGated } = entry.licence
    return [
      {
        name: entry.name,
        note: entry.about,
        repository: origin.repository,
        revision: origin.revision,
        dtype: usual.dtype,
        bytes: usual.bytes,
        licence: { id, link, mayPassOn, isGated },
        isTried: entry.tried,
      },
    ]
  })
}
