import { shortPeerName } from '#shared/base/ids.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import {
  isClaimAlone,
  type CatalogueSource,
  type MergedEntry,
} from '#shared/models/catalogue/merge-catalogues.ts'
import type { Ask } from '../../state/ask/ask.svelte.ts'
import type { Session } from '../../state/session/session.svelte.ts'
import { formatBytes, formatPrice } from '../../ui/format.ts'
import type { ModelOption } from '../../ui/model-option.ts'
import { failureOf } from '../words.ts'

/** What can be asked, those that somebody lends in front; then what nobody has added yet. */
export function modelOptions(
  session: Pick<Session, 'offersFor' | 'list'>,
  ask: Pick<Ask, 'models' | 'fits'>,
): readonly ModelOption[] {
  const claims = new Set(
    ask.models.filter(({ listed }) => isClaimAlone(listed)).map(({ model }) => String(model)),
  )
  // Who publishes a model may say that it is lent, too: what others vouch for stays in front of it.
  const rank = ({ value, live }: ModelOption): number => (claims.has(value) ? 2 : 0) + (live > 0 ? 0 : 1)
  const choices = ask.models.map((choice): ModelOption => {
    const offers = session.offersFor(choice.model)
    const prices = offers.map(({ offer }) => offer.price.outputPerMillion)
    const lowest = prices.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined)
    return {
      value: choice.model,
      name: choice.name,
      note: choice.note,
      price: lowest === undefined ? undefined : formatPrice(lowest),
      isFree: lowest === 0n,
      live: offers.length,
      facts: factsOf(choice.listed.entry, choice.bytes, false),
      doubts: doubtsOf(choice.listed),
      isHere: true,
      fits: ask.fits?.get(choice.model),
    }
  })
  const proposals = session.list.proposals
    .filter(({ entry }) => entry.task === 'text-generation')
    .map((listed): ModelOption => {
      const { entry } = listed
      const usual = entry.precisions.find(({ dtype }) => dtype === entry.dtype)
      return {
        value: `proposal ${entry.id}`,
        name: entry.name,
        note: entry.about,
        price: undefined,
        isFree: false,
        live: 0,
        facts: factsOf(entry, usual?.bytes ?? 0, usual?.isRough ?? false),
        doubts: doubtsOf(listed),
        isHere: false,
        addHref: addHrefOf(entry),
        fits: ask.fits?.get(entry.id),
      }
    })
  return [...choices.toSorted((a, b) => rank(a) - rank(b)), ...proposals]
}

/** Where models are added, with the name filled in. */
function addHrefOf({ origins }: CatalogueEntry): string | undefined {
  const origin = origins.find(({ kind }) => kind === 'hub')
  if (origin?.kind !== 'hub') return undefined
  const { repository, revision } = origin
  const name = revision === undefined ? repository : `${repository}@${revision}`
  return `./models?${new URLSearchParams({ add: '1', name }).toString()}`
}

/** What of the lists is not shown, and why. */
export function leftOutWords({ list }: Session): readonly string[] {
  const bad = list.leftOut.filter(({ reason }) => reason.code !== 'models.unavailable')
  return bad.slice(0, 3).map(({ source, reason }) => {
    const { message } = failureOf(reason)
    if (source) return `${message} It is of ${sourceWords(source)}.`
    return reason.code === 'models.bad-catalogue' ? message : `${message} The relay’s list was left out.`
  })
}

function factsOf({ licence, tried }: CatalogueEntry, bytes: number, isRough: boolean): string {
  const size = `${isRough ? 'about ' : ''}${formatBytes(bytes)}`
  return [size, licence.id, ...(tried ? [] : ['not yet tried here'])].join(' · ')
}

function doubtsOf({ otherNames, sharesName, sources }: MergedEntry): readonly string[] {
  const clashes = otherNames
    .slice(0, 3)
    .map(({ name, source }) => `“${name}” for ${sourceWords(source)}: the same files under another name.`)
  const [first] = sources
  const shared =
    sharesName && first ? [`Another model has this name. This one is of ${sourceWords(first)}.`] : []
  // Of a model that nobody else names, its note says who published it.
  const claims = isClaimAlone({ sources }) ? [] : sources.flatMap(claimWords)
  return [...shared, ...clashes, ...claims]
}

function claimWords(source: CatalogueSource): readonly string[] {
  if (source.kind !== 'contract') return []
  return [
    `Published on the chain by ${source.publisher}, who asks ${source.royaltyBps / 100} % of what it earns.`,
  ]
}

function sourceWords(source: CatalogueSource): string {
  switch (source.kind) {
    case 'own':
      return 'your own list'
    case 'bundled':
      return 'this page’s list'
    case 'relay':
      return `relay ${shortPeerName(source.relay)}`
    case 'contract':
      return `the publisher ${source.publisher}`
    case 'lender':
      return 'whoever lends it'
  }
}
