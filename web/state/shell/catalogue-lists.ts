import type { Clock } from '#shared/base/clock.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import type { CatalogueLists, LeftOut } from '#shared/client/model-library.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { lentEntry } from '#shared/models/catalogue/added-entry.ts'
import { BUNDLED_MODELS } from '#shared/models/catalogue/bundled.ts'
import { badCatalogue } from '#shared/models/catalogue/catalogue.ts'
import { SERVED_MODELS, usualPrecision, type CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import type { CatalogueSource, SourcedList } from '#shared/models/catalogue/merge-catalogues.ts'
import {
  MAX_PUBLICATIONS_BYTES,
  parsePublications,
  PUBLICATIONS_FILE,
} from '#shared/models/catalogue/publications.ts'
import { MAX_SIGNED_CATALOGUE_BYTES, openCatalogue } from '#shared/models/catalogue/signed-catalogue.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { readSmallFile } from '#shared/models/read-small-file.ts'
import { createHttpSource } from '../../engine/http-source.ts'
import type { LentManifests } from '../../storage/lent-manifests.ts'
import type { OwnModels } from '../../storage/own-models.ts'
import { underPage } from './address.ts'

/** A few kilobytes from whoever served the page. Without them the page has its own list, so it waits less than for the rest. */
const CATALOGUE_DEADLINE_MS = 4 * SECOND_MS

/**
 * All lists of models that this page knows: the visitor's own first, then that of the relay, then the bundled one. Then
 * comes what publishers claim in the models contract, as the relay reads it: strangers write there. Last come models
 * that were looked up because somebody lends them.
 */
export async function readLists(
  clock: Clock,
  own: OwnModels,
  lentManifests: Pick<LentManifests, 'list'>,
): Promise<CatalogueLists> {
  const [kept, proposed, published, lent] = await Promise.all([
    own.list(),
    readRelayList(clock),
    readPublications(clock),
    lentManifests.list(),
  ])
  const manifests = [...lent, ...kept.flatMap(({ manifest }) => (manifest ? [manifest] : []))]
  const added = kept.filter(({ isPinned }) => !isPinned).map(({ entry }) => entry)
  return {
    pinned: kept.filter(({ isPinned }) => isPinned).map(({ entry }) => entry),
    lists: [
      { source: { kind: 'own' }, entries: added },
      ...proposed.lists,
      { source: { kind: 'bundled' }, entries: bundledBeside(proposed.lists) },
      ...published,
      { source: { kind: 'lender' }, entries: lent.map(lentEntry) },
    ],
    leftOut: proposed.leftOut,
    manifests: new Map(manifests.map((manifest) => [hashManifest(manifest), manifest])),
  }
}

/** Of what lies beside the page the relay says whether it has it, where it says anything. */
function bundledBeside(proposed: readonly SourcedList[]): readonly CatalogueEntry[] {
  const [relay] = proposed
  if (!relay) return BUNDLED_MODELS
  const placeOf = (entry: CatalogueEntry): string => usualPrecision(entry)?.manifest ?? ''
  const had = new Set(relay.entries.map(placeOf))
  return BUNDLED_MODELS.filter(
    (entry) => !placeOf(entry).startsWith(SERVED_MODELS) || had.has(placeOf(entry)),
  )
}

/** What the relay that served the page proposes. One that proposes nothing, as an older one, is no trouble. */
async function readRelayList(
  clock: Clock,
): Promise<{ readonly lists: readonly SourcedList[]; readonly leftOut: readonly LeftOut[] }> {
  try {
    const text = await readText(clock, 'catalogue.json', MAX_SIGNED_CATALOGUE_BYTES)
    const { signer, entries, refused } = await openCatalogue(text)
    const source: CatalogueSource = { kind: 'relay', relay: signer }
    const leftOut = refused.map(({ at, field }) => ({
      source,
      reason: badCatalogue(`"${field}" of its entry ${at + 1} cannot be read`),
    }))
    return { lists: [{ source, entries }], leftOut }
  } catch (thrown) {
    const reason = InfernetError.from(thrown, 'models.unavailable')
    return { lists: [], leftOut: reason.code === 'models.unavailable' ? [] : [{ source: undefined, reason }] }
  }
}

/** Without an answer the models are those that others name. */
async function readPublications(clock: Clock): Promise<readonly SourcedList[]> {
  try {
    return parsePublications(await readText(clock, PUBLICATIONS_FILE, MAX_PUBLICATIONS_BYTES))
  } catch {
    return []
  }
}

/** A small file beside the page. */
function readText(clock: Clock, path: string, maxBytes: number): Promise<string> {
  const late = (): Error => new InfernetError('models.unavailable', { path, status: 'no answer' })
  return withDeadline(clock, millis(CATALOGUE_DEADLINE_MS), late, async (signal) => {
    const bytes = await readSmallFile(createHttpSource(underPage('/')), path, maxBytes, { signal })
    return new TextDecoder().decode(bytes)
  })
}
