import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChangeEmitter } from '../base/change-emitter.ts'
import { hashManifest, type Manifest } from '../models/manifest.ts'
import { epochMillis } from '../base/units.ts'
import { SEEDS_LIFE_MS } from '../schedule/seeds/constants.ts'
import { signSeeds } from '../schedule/seeds/seed-record.ts'
import type { SeedsPort } from '../schedule/seeds/seeds-port.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { startLocalNode } from '../testing/local-node.ts'
import { countingRandom, makePeer } from '../testing/peers.ts'
import { makeModel } from '../testing/pieces.ts'
import { Seeding } from './seeding.ts'

describe('who looks for seeders on a mesh that was only just opened', () => {
  const relays = new ChangeEmitter()
  const ports: SeedsPort[] = []
  let clock: FakeClock
  let key: PrivateKey
  let node: Libp2p
  let seeding: Seeding
  let manifest: Manifest

  beforeEach(async () => {
    clock = new FakeClock()
    ports.length = 0
    key = await generateKeyPair('Ed25519')
    node = await startLocalNode({ key })
    const registers = { ports, onChange: (callback: () => void) => relays.listen(callback) }
    seeding = new Seeding({ node, key, clock, random: countingRandom(), registers })
    manifest = (await makeModel({ 'onnx/model.onnx': 10 })).manifest
  })
  afterEach(() => node.stop())

  /** A relay that tells of one. */
  async function relayWithOne(): Promise<{ readonly port: SeedsPort; readonly name: string }> {
    const seeder = await makePeer()
    const issuedAt = clock.now()
    const models = [{ model: hashManifest(manifest), held: 1, pieces: 1 }]
    const record = { models, addresses: ['/ip4/127.0.0.1/tcp/1/ws'], sequence: 1, issuedAt }
    const seeds = await signSeeds({ ...record, expiresAt: epochMillis(issuedAt + SEEDS_LIFE_MS) }, seeder.key)
    const find = (): ReturnType<SeedsPort['find']> => Promise.resolve([{ peer: seeder.name, seeds }])
    return { name: seeder.name, port: { announce: () => Promise.resolve(), find } }
  }
  const find = (signal = new AbortController().signal) =>
    seeding.swarm.find(hashManifest(manifest), { signal })

  it('asks the first relay as soon as it answers', async () => {
    const { port, name } = await relayWithOne()
    const finding = find()
    relays.emit() // something changed, and no relay is up
    ports.push(port)
    relays.emit()
    // The clock stands: nothing was waited out.
    expect((await finding).map((seeder) => seeder.name)).toEqual([name])
  })

  it('finds nobody when none answers within three seconds', async () => {
    let isOver = false
    const finding = find().finally(() => (isOver = true))
    await clock.advance(2999)
    expect(isOver).toBe(false)
    await clock.advance(1)
    expect(await finding).toEqual([])
  })

  it('ends with the reason of its signal', async () => {
    const stopper = new AbortController()
    const finding = find(stopper.signal)
    stopper.abort(new Error('enough'))
    await expect(finding).rejects.toThrow('enough')
  })
})
