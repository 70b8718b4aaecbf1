import type { PeerName } from '../../base/ids.ts'
import type { CatalogueEntry, OriginReference, Precision } from './entry.ts'

/** Who says that a model is there. */
export type CatalogueSource =
  /** The visitor, on this device. */
  | { readonly kind: 'own' }
  /** This software's own list. */
  | { readonly kind: 'bundled' }
  | { readonly kind: 'relay'; readonly relay: PeerName }
  /** The models contract: `publisher` holds the name there, and asks for that share of what the model earns. */
  | { readonly kind: 'contract'; readonly publisher: string; readonly royaltyBps: number }
  /** Nobody but those who lend it: its manifest came from peers, by the hash that offers name. */
  | { readonly kind: 'lender' }

export interface SourcedList {
  readonly source: CatalogueSource
  readonly entries: readonly CatalogueEntry[]
}

/** A model once, whoever names it. */
export interface MergedEntry {
  readonly entry: CatalogueEntry
  /** Who names it, the one whose words are taken first. */
  readonly sources: readonly CatalogueSource[]
  /** True for what the visitor pinned: nothing that others say changes it. */
  readonly isPinned: boolean
  /** What others call it. It is never renamed; whoever chooses it sees that there is doubt. */
  readonly otherNames: readonly { readonly name: string; readonly source: CatalogueSource }[]
  /** True where another model has the same name: only who names it tells them apart. */
  readonly sharesName: boolean
}

type Draft = Omit<MergedEntry, 'sharesName'>

/**
 * Puts lists together. What the visitor pinned stands first and as it was pinned; then the lists in their order, each
 * model with the words of the first who names it.
 *
 * Two entries are one model when a hash, a place or a repository of theirs is the same and no precision has two hashes.
 * A later one then adds the origins, and the precisions whose manifest the earlier one does not know. So two publishers
 * of one name stay two, and a model under a second name is a clash to be shown. What anybody wrote into the models
 * contract adds nothing to another's entry but the claim, and that a model is lent adds nothing at all.
 */
export function mergeCatalogues(
  lists: readonly SourcedList[],
  pinned: readonly CatalogueEntry[] = [],
): readonly MergedEntry[] {
  const drafts: Draft[] = pinned.map((entry) => ({
    entry,
    sources: [{ kind: 'own' }],
    isPinned: true,
    otherNames: [],
  }))
  for (const { source, entries } of lists)
    for (const entry of entries) {
      const at = drafts.findIndex((draft) => isSameModel(draft.entry, entry))
      const known = drafts[at]
      if (known) drafts[at] = joined(known, entry, source)
      else drafts.push({ entry, sources: [source], isPinned: false, otherNames: [] })
    }
  const counts = Map.groupBy(drafts, ({ entry }) => spelled(entry.name))
  return drafts.map((draft) => ({
    ...draft,
    sharesName: (counts.get(spelled(draft.entry.name))?.length ?? 0) > 1,
  }))
}

/**
 * True for a model that nobody but its publisher or those who lend it name: nothing is chosen of these that the visitor
 * did not choose.
 */
export function isClaimAlone({ sources }: Pick<MergedEntry, 'sources'>): boolean {
  return sources.every(({ kind }) => kind === 'contract' || kind === 'lender')
}

function joined(known: Draft, entry: CatalogueEntry, source: CatalogueSource): Draft {
  if (source.kind === 'lender') return known
  const isNew = !known.sources.some((each) => sourceKey(each) === sourceKey(source))
  const isOtherName = spelled(known.entry.name) !== spelled(entry.name)
  return {
    ...known,
    sources: isNew ? [...known.sources, source] : known.sources,
    otherNames: isOtherName ? [...known.otherNames, { name: entry.name, source }] : known.otherNames,
    entry: known.isPinned || source.kind === 'contract' ? known.entry : completed(known.entry, entry),
  }
}

const MAX_ORIGINS = 4

function completed(known: CatalogueEntry, more: CatalogueEntry): CatalogueEntry {
  const precisions = known.precisions.map(
    (each) =>
      (isOpen(each) && more.precisions.find((other) => other.dtype === each.dtype && !isOpen(other))) || each,
  )
  const added = more.precisions.filter(({ dtype }) => !precisions.some((each) => each.dtype === dtype))
  const keys = new Set(known.origins.map(placeKey))
  const origins = [...known.origins, ...more.origins.filter((origin) => !keys.has(placeKey(origin)))]
  return { ...known, precisions: [...precisions, ...added], origins: origins.slice(0, MAX_ORIGINS) }
}

/** Without a manifest. */
function isOpen({ manifest, hash }: Precision): boolean {
  return manifest === undefined && hash === undefined
}

function isSameModel(a: CatalogueEntry, b: CatalogueEntry): boolean {
  const contradicts = a.precisions.some(({ dtype, hash }) => {
    const other = b.precisions.find((each) => each.dtype === dtype)?.hash
    return hash !== undefined && other !== undefined && hash !== other
  })
  if (contradicts) return false
  const keys = new Set(keysOf(a))
  return keysOf(b).some((key) => keys.has(key))
}

function keysOf({ origins, precisions }: CatalogueEntry): readonly string[] {
  return [
    // A folder may hold several models; a repository holds one.
    ...origins.filter(({ kind }) => kind === 'hub').map(originKey),
    ...precisions.flatMap(({ hash, manifest }) => [
      ...(hash === undefined ? [] : [`hash ${hash}`]),
      ...(manifest === undefined ? [] : [`manifest ${manifest}`]),
    ]),
  ]
}

function originKey(origin: OriginReference): string {
  return origin.kind === 'hub' ? `hub ${origin.repository.toLowerCase()}` : `folder ${origin.url}`
}

/** The precisions of one repository may be of two revisions. */
function placeKey(origin: OriginReference): string {
  return origin.kind === 'hub' ? `${originKey(origin)}@${origin.revision ?? ''}` : originKey(origin)
}

function sourceKey(source: CatalogueSource): string {
  return `${source.kind} ${source.kind === 'relay' ? source.relay : source.kind === 'contract' ? source.publisher : ''}`
}

/** Two names that a person reads as one. */
function spelled(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.-]+/g, ' ')
    .trim()
}
