import { readFile } from 'node:fs/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '#shared/base/bytes.ts'
import { peerName } from '#shared/base/ids.ts'
import { MIB } from '#shared/base/units.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { PIECES_PROTOCOL } from '#shared/models/pieces/constants.ts'
import { seederMessageSchema } from '#shared/models/pieces/messages.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import { openStream } from '#shared/peer/connect.ts'
import type { Seeding, SeedingInit } from '#shared/peer/seeding.ts'
import { SEEDS_PROTOCOL } from '#shared/schedule/seeds/constants.ts'
import { digest, heldIn, makeModel, originOf, storeWith, type TestModel } from '#shared/testing/pieces.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { FramedStream } from '#shared/wire/framed-stream.ts'
import { createLog } from '../../relay/observe/log.ts'
import { mountDirectory } from '../../relay/directory/mount-directory.ts'
import { locateIn } from '../../relay/config/models-folder.ts'
import { mountSeeder } from '../../relay/provide/mount-seeder.ts'
import { startRelay, until } from '../../relay/testing/fixtures.ts'
import { OWN_SOCKET, TestNetwork } from './test-network.ts'

const MODELS = new URL('../../web/public/models/', import.meta.url).pathname

describe('models that peers pass on', () => {
  let network: TestNetwork
  let model: TestModel

  beforeEach(async () => {
    network = new TestNetwork()
    model = await makeModel({ 'onnx/model.onnx': 7.5 * MIB, 'tokenizer.json': 3000 })
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const start = async (relays: readonly string[], init?: SeedingInit): Promise<Seeding> =>
    (await network.node({ listen: [OWN_SOCKET], relays })).seed(init)
  const emptyStore = (): MemoryStore => new MemoryStore({ digest })
  const untilListed = (by: Seeding, count: number): Promise<void> =>
    until(`${count} are listed`, async () => {
      const { signal } = new AbortController()
      return (await by.swarm.find(hashManifest(model.manifest), { signal })).length === count
    })

  it('reach five from one, though one of them sends wrong bytes, and not over the relay', async () => {
    const relay = await network.relay()
    const first = await start(relay.addresses, { uploadBytesPerSecond: 2 * MIB })
    await first.share(model.manifest, await storeWith(model))
    const bad = await start(relay.addresses)
    const whole = await storeWith(model)
    await bad.share(model.manifest, {
      held: (file) => whole.held(file),
      read: async (file, piece) => (await whole.read(file, piece))?.map((byte) => byte ^ 1),
    })
    const fetchers = await Promise.all(
      Array.from({ length: 5 }, async () => ({
        seeding: await start(relay.addresses),
        store: emptyStore(),
      })),
    )
    await Promise.all(fetchers.map(({ seeding }) => untilListed(seeding, 2)))
    const fetching = Promise.all(
      fetchers.map(({ seeding, store }) => seeding.fetch(model.manifest, { store })),
    )
    // Slow until they give to one another what they have.
    const givenByFetchers = (): number =>
      fetchers.reduce((sum, { seeding }) => sum + seeding.service.givenBytes, 0)
    await Promise.race([until('they give to one another', async () => givenByFetchers() > 0), fetching])
    first.uploadCap.set(undefined)
    const done = await fetching
    for (const { store } of fetchers) expect(await heldIn(model, store)).toBe(9)
    const sizeOfAll = 5 * (done[0]?.totalBytes ?? 0)
    expect(done.reduce((sum, { peers }) => sum + peers.bytes, 0)).toBe(sizeOfAll)
    expect(done.flatMap(({ faults }) => faults.map(({ error }) => error.code))).toContain(
      'models.wrong-piece',
    )
    const given = givenByFetchers()
    expect(first.service.givenBytes + given).toBeGreaterThanOrEqual(sizeOfAll)
    expect(given).toBeGreaterThan(0)
    const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
    const relayed = Number(/^infernet_relayed_bytes_total (\d+)/m.exec(metrics)?.[1] ?? 0)
    expect(relayed).toBeLessThan(64 * 1024)
  })

  it('come from a relay that serves them, manifest and all, with no origin', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const relay = await startRelay(
      {},
      {
        privateKey,
        mounts: [
          async (host) => {
            const mounted = await mountDirectory(host)
            const { seeds } = mounted
            const locate = locateIn([MODELS])
            const init = { log: createLog('silent'), seeds, locate, megabytesPerSecond: 1000 }
            const seeder = await mountSeeder(host, { ...init, privateKey })
            return {
              stop: async () => {
                await seeder?.stop()
                await mounted.stop()
              },
            }
          },
        ],
      },
    )
    network.defer(() => relay.stop())
    const manifest = parseManifest(await readFile(`${MODELS}infernet-tiny/manifest.q4.json`))
    const seeding = await (await network.node({ relays: relay.addresses })).seed()
    const hash = hashManifest(manifest)
    await until('the relay passes it on', () =>
      seeding.fetchManifest(hash).then(
        () => true,
        () => false,
      ),
    )
    expect(await seeding.fetchManifest(hash)).toEqual(manifest)
    const done = await seeding.fetch(manifest, {
      store: emptyStore(),
      paths: ['tokenizer.json', 'config.json'],
    })
    expect(done).toMatchObject({ missingBytes: 0, peers: { bytes: done.totalBytes } })
  })

  it('come from the origin where the relay knows nothing of seeders', async () => {
    const relay = await startRelay(
      {},
      {
        mounts: [
          async (host) => {
            const mounted = await mountDirectory(host)
            await host.node.unhandle(SEEDS_PROTOCOL)
            return mounted
          },
        ],
      },
    )
    network.defer(() => relay.stop())
    const seeding = await start(relay.addresses)
    const origins = [{ name: 'hub', source: originOf(model) }]
    const done = await seeding.fetch(model.manifest, { store: emptyStore(), origins })
    expect(done.origins.bytes).toBe(done.totalBytes)
    const { signal } = new AbortController()
    expect(await seeding.swarm.find(hashManifest(model.manifest), { signal })).toEqual([])
  })

  it('are refused by name over a relayed connection', async () => {
    const relay = await network.relay()
    const listen = relay.addresses.map((address) => `${address}/p2p-circuit`)
    const provider = await network.node({ listen, relays: relay.addresses })
    const seeding = await provider.seed()
    await seeding.share(model.manifest, await storeWith(model))
    const asker = await network.node({ relays: relay.addresses })
    const name = peerName(provider.node.peerId.toString())
    await until('it has a place', () => provider.node.getMultiaddrs().length > 0)
    const connection = await asker.node.dial(multiaddr(`${relay.addresses[0] ?? ''}/p2p-circuit/p2p/${name}`))
    const stream = await openStream({ clock: realClock }, connection, PIECES_PROTOCOL)
    const frames = new FramedStream(stream, seederMessageSchema, realClock)
    await frames.send({ type: 'open', model: fromHex(hashManifest(model.manifest)) })
    expect(await frames.receive()).toMatchObject({ type: 'refused', error: { code: 'models.never-relayed' } })
    frames.abort(new Error('over'))
    // Nor does who looks for seeders dial one so.
    const [seeder] = await (
      await asker.seed()
    ).swarm.find(hashManifest(model.manifest), {
      signal: AbortSignal.timeout(10_000),
    })
    await expect(seeder?.open({ signal: AbortSignal.timeout(10_000) })).rejects.toMatchObject({
      code: 'mesh.no-direct-path',
    })
    expect(seeding.service.givenBytes).toBe(0)
  })
})
