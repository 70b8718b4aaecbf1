import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ModelHash } from '#shared/base/ids.ts'
import { millis, MIB, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { PiecesService } from '#shared/models/pieces/pieces-service.ts'
import type { SeedStore } from '#shared/models/pieces/shared-model.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import type { Seeding } from '#shared/peer/seeding.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { digest, makeModel, originOf, storeWith, TestSwarm } from '#shared/testing/pieces.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import type { ShareMesh } from './swarm-terms.ts'
import { TabSwarm } from './tab-swarm.ts'

const model = await makeModel({ 'onnx/model.onnx': 3.5 * MIB, 'tokenizer.json': 3000 })
const hash = hashManifest(model.manifest)
const { manifest } = model

/** A page's swarm whose mesh ends in memory. */
async function opened({ clock = realClock, opens = true } = {}) {
  const peers = await TestSwarm.create()
  const state = {
    mayAsk: true,
    mayPassOn: true,
    opens,
    tries: 0,
    reachable: 0,
    stopped: 0,
    relays: [{ state: 'up' }],
  }
  const listeners: (() => void)[] = []
  const lost: string[] = []
  let service: PiecesService | undefined
  const swarm: TabSwarm = new TabSwarm({
    clock,
    random: realRandom,
    rules: { mayAsk: () => state.mayAsk, mayPassOn: () => state.mayPassOn },
    onLost: (each) => lost.push(each),
    open: async (): Promise<ShareMesh> => {
      state.tries++
      if (!state.opens) throw new Error('no relay')
      const own = (service = new PiecesService({ clock, random: realRandom, ledger: swarm.ledger }))
      return {
        get relays() {
          return state.relays
        },
        onChange: (callback) => {
          listeners.push(callback)
          return () => undefined
        },
        seeding: async () =>
          ({
            service: own,
            swarm: peers,
            share: own.share.bind(own),
            unshare: own.unshare.bind(own),
          }) as unknown as Seeding,
        startProviding: async () => void state.reachable++,
        stop: async () => {
          state.stopped++
          own.stop()
        },
      }
    },
  })
  const shared = () => (service?.shared ?? []).map(({ model: each, held }) => [each, held])
  const tell = () => listeners.forEach((listener) => listener())
  return { swarm, peers, state, lost, shared, tell }
}

describe('the swarm of a page', () => {
  let store: MemoryStore
  beforeEach(() => (store = new MemoryStore({ digest })))
  const origins = () => [{ name: 'the origin', source: originOf(model) }]

  it('fetches from peers alone, passes on what has come, and is reachable', async () => {
    const { swarm, peers, shared, state } = await opened()
    const seeder = new PiecesService({ clock: realClock, random: realRandom, ledger: swarm.ledger })
    await seeder.share(manifest, await storeWith(model))
    await peers.add(seeder.handle)
    const done = await swarm.fetch(manifest, { store, origins: [] })
    expect(done.peers.bytes).toBe(done.totalBytes)
    await expect.poll(shared).toEqual([[hash, 5]])
    expect(state).toMatchObject({ tries: 1, reachable: 1, stopped: 0 })
    expect((await swarm.fetchManifest(hash)).id).toBe(manifest.id)
    seeder.stop()
  })

  it('finds nobody before a relay is up, and then at once', async () => {
    const { swarm, peers, state, tell } = await opened()
    state.relays = [{ state: 'connecting' }]
    const seeder = new PiecesService({ clock: realClock, random: realRandom, ledger: swarm.ledger })
    await seeder.share(manifest, await storeWith(model))
    await peers.add(seeder.handle)
    const finding = swarm.fetchManifest(hash)
    await expect.poll(() => state.tries).toBe(1)
    tell()
    expect(peers.opened).toEqual([])
    state.relays = [{ state: 'up' }]
    tell()
    expect((await finding).id).toBe(manifest.id)
    seeder.stop()
  })

  it('never waits for a mesh that cannot be opened, and joins when it can', async () => {
    const { swarm, state, shared } = await opened({ opens: false })
    const done = await swarm.fetch(manifest, { store, origins: origins() })
    expect(done.origins.bytes).toBe(done.totalBytes)
    expect(state.tries).toBe(1)
    state.opens = true
    await expect.poll(shared, { timeout: 5000 }).toEqual([[hash, 5]])
    expect(state.tries).toBe(2)
  })

  it('asks nobody and passes nothing on where the visitor forbids it, from that moment', async () => {
    const { swarm, state, shared } = await opened()
    state.mayAsk = false
    await swarm.fetch(manifest, { store, origins: origins() })
    swarm.passOn(manifest, store)
    expect([state.tries, swarm.passedOn]).toEqual([0, []])
    await expect(swarm.fetchManifest(hash)).rejects.toMatchObject({ code: 'models.nobody-left' })
    state.mayAsk = true
    swarm.check()
    await expect.poll(shared).toEqual([[hash, 5]])
    state.mayAsk = false
    swarm.check()
    expect(state.stopped).toBe(1)
    expect(shared()).toEqual([])
  })

  it('does as it is told for one download alone: from origins only', async () => {
    const { swarm, state } = await opened()
    const done = await swarm.fetch(manifest, { store, origins: origins(), originsOnly: true })
    expect(done.origins.bytes).toBe(done.totalBytes)
    expect([state.tries, swarm.passedOn]).toEqual([0, []])
  })

  it('fetches from peers what it may not pass on, and passes it on once it may', async () => {
    const { swarm, state, shared } = await opened()
    state.mayPassOn = false
    await swarm.fetch(manifest, { store, origins: origins() })
    await expect.poll(() => state.tries).toBe(1)
    expect([shared(), state.reachable]).toEqual([[], 0])
    state.mayPassOn = true
    swarm.check()
    await expect.poll(shared).toEqual([[hash, 5]])
    state.mayPassOn = false
    swarm.check()
    expect(shared()).toEqual([])
  })

  it('never passes on what a licence forbids, whatever the visitor says', async () => {
    const { swarm } = await opened()
    const licence = { id: 'own', mayPassOn: false, isGated: false }
    swarm.passOn({ ...manifest, licence }, await storeWith(model))
    expect(swarm.passedOn).toEqual([])
  })

  it('stops with the last who wanted it, and leaves the network a moment later', async () => {
    const clock = new FakeClock()
    const { swarm, state, shared } = await opened({ clock })
    const whole = await storeWith(model)
    const [one, other] = [swarm.passOn(manifest, whole), swarm.passOn(manifest, whole)]
    await expect.poll(shared).toEqual([[hash, 5]])
    one()
    one()
    expect(shared()).toEqual([[hash, 5]])
    other()
    expect([shared(), state.stopped]).toEqual([[], 0])
    await clock.advance(millis(MINUTE_MS))
    expect(state.stopped).toBe(1)
    swarm.passOn(manifest, whole)
    await expect.poll(shared).toEqual([[hash, 5]])
    expect(state.tries).toBe(2)
  })

  it('keeps nothing of a download that was paused, and goes on passing on what was before', async () => {
    const { swarm, shared, state } = await opened()
    const stop = new AbortController()
    const fetching = swarm.fetch(manifest, { store, origins: [], signal: stop.signal })
    await expect.poll(() => state.tries).toBe(1)
    stop.abort(new Error('paused'))
    await expect(fetching).rejects.toThrow('paused')
    expect([swarm.passedOn, shared()]).toEqual([[], []])
  })

  it('passes on no more of what was deleted or changed, and says so; a liar cannot bring that about', async () => {
    const { swarm, shared, lost } = await opened()
    const whole = await storeWith(model, [0, 1, 2, 4])
    let from: MemoryStore = whole
    const wishes: SeedStore = {
      held: (file) => from.held(file),
      read: (file, piece) => from.read(file, piece),
    }
    let seen: SeedStore | undefined
    const share = Object.getOwnPropertyDescriptor(PiecesService.prototype, 'share')?.value as (
      this: PiecesService,
      ...of: readonly [Manifest, SeedStore]
    ) => Promise<ModelHash>
    const spy = vi.spyOn(PiecesService.prototype, 'share').mockImplementation(function (
      this: PiecesService,
      each,
      kept,
    ) {
      seen = kept
      return share.call(this, each, kept)
    })
    swarm.passOn(manifest, wishes)
    await expect.poll(shared).toEqual([[hash, 4]])
    spy.mockRestore()
    const [file] = manifest.files
    // A piece that never was here is asked for.
    expect(file && (await seen?.read(file, 3))).toBeUndefined()
    expect([lost, shared()]).toEqual([[], [[hash, 4]]])
    from = store
    expect(file && (await seen?.read(file, 0))).toBeUndefined()
    expect([lost, shared()]).toEqual([[hash], []])
  })

  it('tries ever more seldom to open its mesh', async () => {
    const clock = new FakeClock()
    const { swarm, state } = await opened({ clock, opens: false })
    swarm.passOn(manifest, await storeWith(model))
    for (let second = 0; second < 120; second++) await clock.advance(millis(SECOND_MS))
    expect(state.tries).toBeGreaterThan(3)
    expect(state.tries).toBeLessThan(8)
  })
})
