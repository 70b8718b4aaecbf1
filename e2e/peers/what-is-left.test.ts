import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MIB } from '#shared/base/units.ts'
import { catalogueOf, entryOf } from '#shared/models/catalogue/testing/entries.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import { hashManifest, manifestBytes, type Manifest } from '#shared/models/manifest.ts'
import { sourceOf } from '#shared/models/origin/source-of.ts'
import type { FetchProgress } from '#shared/models/pieces/fetch-progress.ts'
import { fetchFromOrigin } from '#shared/models/store/fetch-from-origin.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import type { Seeding, SeedingInit } from '#shared/peer/seeding.ts'
import { digest } from '#shared/testing/pieces.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { composeRelay } from '../../relay/compose.ts'
import { configWith } from '../../relay/config/load-config.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { createLog } from '../../relay/observe/log.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { makeHubRepository, sha256Of, type HubRepository } from '../hub/hub-repository.ts'
import { addFrom, familyOf } from '../hub/hub-trial.ts'
import { startLocalHub, type LocalHub } from '../hub/local-hub.ts'
import { OWN_SOCKET, TestNetwork } from './test-network.ts'

const NAME = 'some-lab/Plain'
const PLACE = '/models/plain/'

/** Slow enough that something can be taken away in the middle. */
const DOWN_RATE = 3 * MIB

type Part = 'hub' | 'relay' | 'swarm'

describe('a model arrives from what is left', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let repository: HubRepository
  let manifest: Manifest
  let network: TestNetwork
  let hub: LocalHub
  let relay: Relay
  let seeder: Seeding
  let fetcher: Seeding
  let relayName: Relay['name']
  let hasSwarm = true
  beforeAll(async () => {
    folder = await temporaryFolder()
    const model = familyOf('llama-3.2', { vocab: 16_000, contextLength: 2048 })
    repository = await makeHubRepository({ name: NAME, model, dtypes: ['fp32'] })
    const first = await startLocalHub([repository])
    const models = join(folder.path, 'models', 'plain')
    await mkdir(models, { recursive: true })
    ;({ manifest } = await addFrom(first, { repository: NAME, folder: models }))
    await writeFile(join(models, 'manifest.fp32.json'), JSON.stringify(manifest))
    await first.stop()
  })
  afterAll(() => folder.remove())
  beforeEach(async () => {
    network = new TestNetwork()
    hub = await startLocalHub([repository])
    network.defer(() => hub.stop())
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const hubSource = (): ByteSource =>
    sourceOf(
      { fetch, clock: realClock },
      { kind: 'hub', repository: NAME, revision: repository.commit },
      { hubUrl: hub.url },
    )
  const relaySource = (): ByteSource =>
    sourceOf({ fetch, clock: realClock }, { kind: 'folder', url: PLACE }, { baseUrl: relay.httpUrl })

  /** A relay as an operator runs it: with the model's files and passing them on, or with neither. */
  async function startParts(without: readonly Part[] = []): Promise<void> {
    const hasFiles = !without.includes('relay')
    hasSwarm = !without.includes('swarm')
    const catalogue = join(folder.path, 'catalogue.json')
    const place = `${PLACE}manifest.fp32.json`
    const precisions = [{ dtype: 'fp32', bytes: manifestBytes(manifest), memoryBytes: 1, manifest: place }]
    await writeFile(
      catalogue,
      catalogueOf([entryOf({ origins: [{ kind: 'folder', url: PLACE }], precisions })]),
    )
    const data = await temporaryFolder()
    const config = configWith({
      ...{ host: '127.0.0.1', port: 0, dataFolder: data.path, pageFolder: join(data.path, 'no-page') },
      ...(hasFiles
        ? { catalogue, modelsFolder: join(folder.path, 'models'), seedRate: 100 }
        : { seedRate: 0 }),
    })
    const privateKey = await generateKeyPair('Ed25519')
    relay = composeRelay({ privateKey, log: createLog('silent') }, { config, version: '0.0.0-test' })
    await relay.start()
    relayName = relay.name
    network.defer(async () => {
      await relay.stop()
      await data.remove()
    })
    const start = async (init?: SeedingInit) =>
      (await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })).seed(init)
    seeder = await start()
    fetcher = await start({ downloadBytesPerSecond: DOWN_RATE })
    if (hasSwarm) await seeder.share(manifest, await wholeStore())
    if (without.includes('hub')) await hub.stop()
    const seeders = Number(hasSwarm) + Number(hasFiles)
    await until(`${seeders} seeders are listed`, async () => (await found()).length === seeders)
  }
  const found = () => fetcher.swarm.find(hashManifest(manifest), { signal: AbortSignal.timeout(10_000) })

  async function wholeStore(): Promise<MemoryStore> {
    const store = new MemoryStore({ digest })
    const source: ByteSource = {
      open: async (path, { offset }) => {
        const bytes = repository.files.get(path) ?? new Uint8Array()
        return { offset, body: [bytes.subarray(offset)] as unknown as AsyncIterable<Uint8Array> }
      },
    }
    await fetchFromOrigin({ store, sources: [source] }, manifest)
    return store
  }

  /** Origins are quick to begin: on a busy machine they would be done before a peer is reached. */
  const behindPeers = (source: ByteSource): ByteSource => ({
    open: async (path, options) => {
      if (hasSwarm) await until('a peer gives', () => seeder.service.givenBytes > 0)
      return source.open(path, options)
    },
  })

  /** Fetches all of it; `onProgress` may take something away. What came is what the hub has, byte for byte. */
  async function fetched(onProgress: (progress: FetchProgress) => void = () => undefined) {
    const store = new MemoryStore({ digest })
    const origins = [
      { name: 'the hub', source: behindPeers(hubSource()) },
      { name: 'the relay', source: behindPeers(relaySource()) },
    ]
    const done = await fetcher.fetch(manifest, { store, origins, originCost: 0, onProgress })
    for (const file of manifest.files) {
      const pieces = await Promise.all(file.pieces.map((_, piece) => store.read(file, piece)))
      const bytes = Buffer.concat(pieces.map((piece) => piece ?? new Uint8Array()))
      expect([file.path, sha256Of(bytes)]).toEqual([file.path, file.sha256])
      expect(bytes.equals(repository.files.get(file.path) ?? Buffer.of())).toBe(true)
    }
    expect(done.missingBytes).toBe(0)
    expect(done.peers.bytes + done.origins.bytes).toBe(manifestBytes(manifest))
    return done
  }
  const gaveByRelay = (): number => fetcher.ledger.recentlyGot(relayName)

  describe('with one of them away from the start', () => {
    it('the hub: relay and swarm', async () => {
      await startParts(['hub'])
      const { peers } = await fetched()
      expect(hub.sentBytes).toBe(0)
      expect(peers.bytes).toBeGreaterThan(0)
      expect(seeder.service.givenBytes + gaveByRelay()).toBeGreaterThan(0)
    })

    it('the swarm: hub and relay', async () => {
      await startParts(['swarm'])
      await fetched()
      expect(seeder.service.givenBytes).toBe(0)
      expect(hub.sentBytes).toBeGreaterThan(0)
    })

    it('the relay’s files: hub and swarm', async () => {
      await startParts(['relay'])
      const { origins, peers } = await fetched()
      expect(gaveByRelay()).toBe(0)
      expect(peers.bytes).toBeGreaterThan(0)
      expect(hub.sentBytes).toBeGreaterThanOrEqual(origins.bytes)
      expect(seeder.service.givenBytes).toBeGreaterThanOrEqual(peers.bytes)
    })
  })

  describe('with one of them alone', () => {
    it('the hub', async () => {
      await startParts(['relay', 'swarm'])
      expect((await fetched()).origins.bytes).toBe(manifestBytes(manifest))
      expect(hub.sentBytes).toBeGreaterThanOrEqual(manifestBytes(manifest))
    })

    it('the relay', async () => {
      await startParts(['hub', 'swarm'])
      const { peers, origins } = await fetched()
      expect([hub.sentBytes, seeder.service.givenBytes]).toEqual([0, 0])
      expect(gaveByRelay()).toBeGreaterThan(0)
      expect(peers.bytes + origins.bytes).toBe(manifestBytes(manifest))
    })

    it('one peer, manifest and all', async () => {
      await startParts(['hub', 'relay'])
      expect(await fetcher.fetchManifest(hashManifest(manifest))).toEqual(manifest)
      expect((await fetched()).peers.bytes).toBe(manifestBytes(manifest))
      expect(seeder.service.givenBytes).toBe(manifestBytes(manifest))
    })
  })

  describe('with one of them gone in the middle', () => {
    /** Takes it away once some of the model has come of it and some is missing; says how much came before and after. */
    async function losing(isHeard: (progress: FetchProgress) => boolean, lose: () => Promise<unknown>) {
      let lost: Promise<unknown> | undefined
      let before = 0
      const done = await fetched((progress) => {
        if (lost || progress.missingBytes === 0 || !isHeard(progress)) return
        before = progress.heldBytes
        lost = lose()
      })
      expect(lost, 'it was there until then').toBeDefined()
      await lost
      expect(done.totalBytes - before, 'and the rest came without it').toBeGreaterThan(0)
      return done
    }

    it('the hub: a peer that came meanwhile has the rest', async () => {
      await startParts(['relay', 'swarm'])
      const { peers } = await losing(
        ({ origins }) => origins.bytes > 0,
        async () => {
          await seeder.share(manifest, await wholeStore())
          await hub.stop()
        },
      )
      expect(peers.bytes).toBeGreaterThan(0)
    })

    it('the swarm: the hub has the rest', async () => {
      await startParts(['relay'])
      const { origins } = await losing(
        () => seeder.service.givenBytes > 0,
        () => seeder.stop(),
      )
      expect(origins.bytes).toBeGreaterThan(0)
    })

    it('the whole relay: two peers go on over their own connection', async () => {
      await startParts(['hub', 'relay'])
      const { peers } = await losing(
        () => seeder.service.givenBytes > MIB,
        () => relay.stop(),
      )
      expect(peers.bytes).toBeGreaterThan(0)
      await expect(fetch(relaySourceUrl())).rejects.toThrow()
    })
    const relaySourceUrl = (): string => new URL(PLACE, relay.httpUrl).href
  })
})
