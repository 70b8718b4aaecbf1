import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { MIB, millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import {
  MAX_PUBLICATIONS,
  writePublications,
  type Publication,
} from '#shared/models/catalogue/publications.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { PIECES_PROTOCOL } from '#shared/models/pieces/constants.ts'
import { fetchManifest } from '#shared/models/pieces/fetch-manifest.ts'
import type { Swarm } from '#shared/models/pieces/swarm.ts'
import { openStream } from '#shared/peer/connect.ts'
import { findSeeders, type SeedsPort } from '#shared/schedule/seeds/seeds-port.ts'
import { isRelayed } from '#shared/wire/is-relayed.ts'
import type { PublicationWatch } from '../chain/publication-watch.ts'
import type { LocateModelFile } from '../config/models-folder.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import type { Logger } from '../observe/log.ts'
import { manifestFilesOf, readOwnManifest } from './own-manifests.ts'

/** Between two rounds. */
const EVERY_MS = 2 * SECOND_MS
/** One publisher takes no more places than this; another address costs it little, but more than nothing. */
const MAX_OF_ONE = 4
/** Manifests that one round asks peers for, and how long a failure is left alone. */
const MAX_FETCHES = 8
const RETRY_MS = 10 * MINUTE_MS
const MAX_FAILURES = 1000
/** A page reads all that are listed, once: a manifest of 1 GB takes 70 kB, one of 4 GiB 280 kB. */
const MAX_LISTED_LENGTH = 2 * MIB
/** Publications that are read again in a round, in turn: royalties fall, names change hands. */
const REREAD = 4

export interface MountPublicationsInit {
  readonly clock: Clock
  readonly log: Logger
  readonly watch: Pick<PublicationWatch, 'noted' | 'keep' | 'read'>
  /** The relay's own register. */
  readonly seeds: SeedsPort
  readonly locate: LocateModelFile
}

type Host = Pick<RelayHost, 'node' | 'catalogue' | 'servePublications'>

interface Listed {
  readonly publication: Publication
  readonly manifest: Manifest
  readonly json: string
}

/**
 * Serves of the models contract what can be had: publications whose manifest is the relay's own, or comes from a peer
 * that seeds the model now. Rubbish has no manifest, and is never listed. A manifest is asked for over connections that
 * stand, so that no stranger makes the relay dial, and checked by its hash.
 */
export async function mountPublications(
  host: Host,
  init: MountPublicationsInit,
): Promise<{ stop(): Promise<void> }> {
  const publications = new Publications(host, init)
  publications.start()
  return { stop: () => publications.stop() }
}

/** @internal */
export class Publications {
  readonly #host: Host
  readonly #init: MountPublicationsInit
  readonly #life = new AbortController()
  readonly #ownFiles = new Map<string, ModelHash>()
  readonly #failedAt = new Map<ModelHash, number>()
  #own = new Map<ModelHash, string>()
  #listed = new Map<ModelHash, Listed>()
  #text = writePublications([])
  #reread = 0
  #timer: { stop(): void } | undefined
  #round: Promise<void> = Promise.resolve()

  constructor(host: Host, init: MountPublicationsInit) {
    this.#host = host
    this.#init = init
  }

  start(): void {
    this.#init.watch.keep((model) => this.#listed.has(model))
    const list = (): string => this.#text
    this.#host.servePublications({
      get list() {
        return list()
      },
      manifest: (model) => this.#listed.get(model)?.json,
    })
    this.#schedule(0)
  }

  async stop(): Promise<void> {
    this.#life.abort(new InfernetError('wire.closed'))
    this.#timer?.stop()
    await this.#round
  }

  #schedule(delayMs: number): void {
    if (this.#life.signal.aborted) return
    this.#timer = this.#init.clock.schedule(millis(delayMs), () => {
      this.#round = this.look()
        .catch((thrown: unknown) => this.#init.log.debug({ err: thrown }, 'publications are as they were'))
        .finally(() => this.#schedule(EVERY_MS))
    })
  }

  /** Lists anew. @throws where the chain does not answer; then the list stays as it was */
  async look(): Promise<void> {
    await this.#readOwn()
    const again = this.#nextAgain()
    const listed = new Map<ModelHash, Listed>()
    const counts = new Map<string, number>()
    let fetches = 0
    let length = 0
    for (const hint of await this.#candidates()) {
      if (listed.size >= MAX_PUBLICATIONS) break
      const known = this.#listed.get(hint.model)
      if (!known && !this.#own.has(hint.model) && (fetches >= MAX_FETCHES || this.#isLeftAlone(hint.model)))
        continue
      const publication =
        known && !again.has(hint.model) ? known.publication : await this.#init.watch.read(hint)
      if (!publication || (counts.get(publication.publisher) ?? 0) >= MAX_OF_ONE) continue
      const manifest = known?.manifest ?? (await this.#manifestOf(hint.model, () => fetches++))
      if (!manifest) continue
      const json = known?.json ?? JSON.stringify(manifest)
      if (length + json.length > MAX_LISTED_LENGTH) continue
      length += json.length
      counts.set(publication.publisher, (counts.get(publication.publisher) ?? 0) + 1)
      listed.set(hint.model, { publication, manifest, json })
    }
    this.#listed = listed
    this.#text = writePublications([...listed.values()])
  }

  /** What the relay has itself first, then the newest that somebody seeds. */
  async #candidates() {
    const { watch, seeds } = this.#init
    const { noted } = watch
    const own = noted.filter(({ model }) => this.#own.has(model))
    const seeded = await Promise.all(
      noted.map(async (hint) => !this.#own.has(hint.model) && (await seeds.find(hint.model)).length > 0),
    )
    return [...own, ...noted.filter((_, i) => seeded[i])]
  }

  #nextAgain(): ReadonlySet<ModelHash> {
    const models = [...this.#listed.keys()]
    const start = models.length > 0 ? this.#reread % models.length : 0
    this.#reread = start + REREAD
    return new Set([...models.slice(start), ...models.slice(0, start)].slice(0, REREAD))
  }

  async #manifestOf(model: ModelHash, onFetch: () => void): Promise<Manifest | undefined> {
    const path = this.#own.get(model)
    if (path !== undefined) {
      const own = await readOwnManifest(path)
      return own && hashManifest(own) === model ? own : undefined
    }
    onFetch()
    try {
      const { signal } = this.#life
      return await fetchManifest({ swarm: this.#swarm, clock: this.#init.clock }, model, { signal })
    } catch {
      this.#life.signal.throwIfAborted()
    }
    if (this.#failedAt.size >= MAX_FAILURES) this.#failedAt.clear()
    this.#failedAt.set(model, this.#init.clock.monotonic())
    return undefined
  }

  #isLeftAlone(model: ModelHash): boolean {
    const failedAt = this.#failedAt.get(model)
    return failedAt !== undefined && this.#init.clock.monotonic() - failedAt < RETRY_MS
  }

  /** Hashes of the manifests that the relay serves; each file is read once. */
  async #readOwn(): Promise<void> {
    const own = new Map<ModelHash, string>()
    for (const path of manifestFilesOf(this.#host.catalogue, this.#init.locate)) {
      const manifest = this.#ownFiles.has(path) ? undefined : await readOwnManifest(path)
      if (manifest) this.#ownFiles.set(path, hashManifest(manifest))
      const model = this.#ownFiles.get(path)
      if (model) own.set(model, path)
    }
    this.#own = own
  }

  /** Seeders that are connected to this relay. */
  readonly #swarm: Swarm = {
    find: async (model, { signal }) => {
      const { clock, seeds } = this.#init
      const found = await findSeeders([seeds], model, { clock, signal })
      return found.map(({ peer }) => ({
        name: peer,
        open: async (options) => {
          const connection = this.#connectionTo(peer)
          if (!connection) throw new InfernetError('mesh.no-direct-path')
          return openStream({ clock }, connection, PIECES_PROTOCOL, options)
        },
      }))
    },
  }

  #connectionTo(peer: string): Connection | undefined {
    const connections = this.#host.node.getConnections(peerIdFromString(peer))
    return connections.find((each) => each.status === 'open' && !isRelayed(each))
  }
}
