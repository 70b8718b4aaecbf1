import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { addedEntry } from '#shared/models/catalogue/added-entry.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import { nameOf } from '#shared/models/make-manifest.ts'
import type { Dtype, Manifest } from '#shared/models/manifest.ts'
import type { AddOffer } from '#shared/models/origin/add-model.ts'
import { chooseFiles, type Choice } from '#shared/models/origin/choose-files.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import type { HttpComponents } from '#shared/models/origin/ask-origin.ts'
import type { Listing } from '#shared/models/origin/origin.ts'
import { dtypesIn } from '#shared/models/pick-files.ts'
import { readSmallFile } from '#shared/models/read-small-file.ts'
import type { OwnModels } from '../../storage/own-models.ts'
import type { addFromHub } from '../../weights/add-from-hub.ts'
import { noteComing } from '../../weights/coming-models.ts'
import type { HubAdded } from '../../weights/hub-messages.ts'
import type { KeptModels } from '../../weights/kept-models.ts'
import { makeRoomFor, type Evicted, type RoomComponents } from '../../weights/make-room.ts'
import { keyOf } from '../models/licences.ts'
import type { FetchOptions, HubModel, HubQuestion, LicenceFacts, Wanted } from '../models/services.ts'

export type HubWanted = Extract<Wanted, { kind: 'hub' }>

export interface HubHomeComponents {
  readonly http: HttpComponents
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  /** Which hub is meant. */
  readonly hubUrl: () => Promise<string>
  readonly room: RoomComponents
  readonly own: OwnModels
  readonly kept: KeptModels
  readonly add: typeof addFromHub
  /** What some list says of a repository already: its words are kept. */
  readonly entryOf: (repository: string) => CatalogueEntry | undefined
}

export interface HubFetch extends FetchOptions {
  /** These models went to make room. */
  readonly onEvicted: (evicted: readonly Evicted[]) => void
}

/** A config.json that is read only to see whether the hub gives it. */
const MAX_CONFIG_BYTES = 2 ** 22

/** Models that come from a hub by their name, and become the visitor's own. */
export class HubHome {
  readonly #components: HubHomeComponents

  constructor(components: HubHomeComponents) {
    this.#components = components
  }

  /** See `ModelsHome.hubUrl`. */
  url(): Promise<string> {
    return this.#components.hubUrl()
  }

  /** See `ModelsHome.lookUp`. A gated model is asked for one small file, so that a token is refused here and not later. */
  async lookUp({ repository, revision, tokenOf, signal }: HubQuestion): Promise<HubModel> {
    const { http } = this.#components
    const hubUrl = await this.#components.hubUrl()
    const token = tokenOf(hubUrl)
    const listing = await createHubOrigin(http, hubUrl).list({ repository, revision, token, signal })
    const choices = choicesIn(listing)
    const [first] = choices
    if (listing.licence?.isGated)
      await readSmallFile(listing.source, 'config.json', MAX_CONFIG_BYTES, { signal })
    return {
      repository: listing.repository,
      revision: listing.revision,
      name: nameOf(repository.slice(repository.lastIndexOf('/') + 1)),
      licence: licenceFacts(first?.licence),
      precisions: choices.map(({ dtype, totalBytes }) => ({ dtype, bytes: totalBytes })),
    }
  }

  /** See `ModelsHome.fetch`. @throws what `addFromHub` and `makeRoom` throw */
  async fetch(wanted: HubWanted, options: HubFetch): Promise<ModelHash> {
    const { add, clock } = this.#components
    const { repository, revision, dtype } = wanted
    const { tokenOf, signal, onProgress, onEvicted } = options
    const hubUrl = await this.#components.hubUrl()
    const began = clock.monotonic()
    const { hash } = await add(
      { hubUrl, repository, revision, dtype, token: tokenOf(hubUrl) },
      {
        signal,
        onProgress({ phase, loadedBytes, totalBytes, fetchedBytes }) {
          if (phase === 'listing') return
          const keptBytes = loadedBytes - fetchedBytes
          onProgress({ totalBytes, keptBytes, fromPeers: 0, fromOrigins: fetchedBytes })
        },
        onOffer: async (offer) => {
          onEvicted(await this.#makeRoom(offer))
          await noteComing(this.#components, {
            model: comingId(wanted),
            name: repository,
            files: largeIn(offer),
          })
        },
        onAdded: async (added) => {
          await this.#note(added, (clock.monotonic() - began) / 1000)
          await this.#components.kept.remove(comingId(wanted))
        },
      },
    )
    return hash
  }

  /** See `ModelsHome.letGo`: nothing else lists what has come of it, so it goes at once, but what another model has. */
  async letGo(wanted: HubWanted): Promise<void> {
    const { kept, room } = this.#components
    const records = await kept.list()
    const coming = records.find(({ model }) => model === comingId(wanted))
    if (!coming) return
    const others = records.filter((record) => record !== coming).flatMap(({ files }) => files)
    const stays = new Set(others.map(({ sha256 }) => sha256))
    await kept.remove(coming.model)
    // What another tab uses stays, and goes when its room is needed.
    for (const file of coming.files)
      if (!stays.has(file.sha256)) await room.store.remove(file).catch(() => undefined)
  }

  async #makeRoom(offer: AddOffer): Promise<readonly Evicted[]> {
    const { room } = this.#components
    const here = new Map((await room.store.list()).map(({ sha256, bytes }) => [sha256, bytes]))
    const large = largeIn(offer)
    const heldBytes = large.reduce((sum, { sha256, size }) => sum + Math.min(size, here.get(sha256) ?? 0), 0)
    return makeRoomFor(room, { files: large, neededBytes: offer.totalBytes - heldBytes })
  }

  /** It is one of the visitor's own models from now on, and no leftover of a download. */
  async #note({ manifest, hash, origin }: HubAdded, refetchSeconds: number): Promise<void> {
    const { own, kept, clock } = this.#components
    const record = addedEntry([{ manifest, origin }])
    const listed = origin.kind === 'hub' ? this.#components.entryOf(origin.repository) : undefined
    const { name, about, goodFor } = listed ?? record
    const at = clock.now()
    const before = (await kept.list()).find((each) => each.model === hash)
    await kept.put({
      ...{ model: hash, name, hits: 0, at, floor: await kept.floor(), refetchSeconds, revenue: 0 },
      isPinned: false,
      ...before,
      files: manifest.files.map(({ sha256, size }) => ({ sha256, size })),
    })
    const entry = { ...record, id: ownId(manifest, hash), name, about, goodFor }
    await own.put({ entry, manifest, isPinned: false, at })
  }
}

/** A download whose model has no hash yet. */
function comingId(wanted: HubWanted): string {
  return `hub ${keyOf(wanted)}`
}

/** Files whose hashes the hub tells before. */
function largeIn({ files }: AddOffer): { readonly sha256: string; readonly size: number }[] {
  return files.flatMap(({ sha256, size }) => (sha256 === undefined ? [] : [{ sha256, size }]))
}

/** Each precision that could be added. @throws InfernetError why there is none */
function choicesIn(listing: Listing): readonly Choice[] {
  const choices: Choice[] = []
  const failures: unknown[] = []
  for (const dtype of dtypesIn(listing.files.map(({ path }) => path)))
    try {
      choices.push(chooseFiles(listing, dtype))
    } catch (thrown) {
      failures.push(thrown)
    }
  if (choices.length > 0) return choices
  throw InfernetError.from(failures[0] ?? refusal(listing))
}

function refusal(listing: Listing): unknown {
  const usual: Dtype = 'q4'
  try {
    return chooseFiles(listing, usual)
  } catch (thrown) {
    return thrown
  }
}

function licenceFacts(licence: Choice['licence']): LicenceFacts | undefined {
  if (!licence) return undefined
  const { id, link, mayPassOn, isGated } = licence
  return { id, link, mayPassOn, isGated }
}

/** Two repositories may have one name, and one has several precisions and revisions. */
function ownId({ id, dtype }: Manifest, hash: ModelHash): string {
  return `${id.slice(0, 40)}-${dtype}-${hash.slice(0, 12)}`
}
