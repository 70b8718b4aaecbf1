import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../base/clock.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { MIB } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import {
  digest,
  heldIn,
  makeModel,
  originOf,
  scriptedSeeder,
  sendPiece,
  storeWith,
  TestSwarm,
  type TestModel,
} from '../../testing/pieces.ts'
import { realClock, realRandom } from '../../testing/real-clock.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { PieceMap } from '../store/piece-map.ts'
import { MAX_MISSING_PIECES, QUIET_MS, STALL_MS } from './constants.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import { fetchModel } from './fetch-model.ts'
import { PiecesService } from './pieces-service.ts'
import { RateCap } from './rate-cap.ts'

describe('a download among peers and origins that fail or lie', () => {
  let model: TestModel
  let store: MemoryStore
  let swarm: TestSwarm
  let ledger: ExchangeLedger
  let stops: (() => void)[]

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 5.5 * MIB, 'tokenizer.json': 3000 })
    store = new MemoryStore({ digest })
    swarm = await TestSwarm.create()
    ledger = new ExchangeLedger(realClock)
    stops = []
  })
  afterEach(() => stops.forEach((stop) => stop()))

  const honest = async (pieces?: readonly number[], clock: Clock = realClock, cap?: RateCap) => {
    const service = new PiecesService({ clock, random: realRandom, ledger: new ExchangeLedger(clock), cap })
    stops.push(() => service.stop())
    await service.share(model.manifest, await storeWith(model, pieces))
    return { service, name: await swarm.add(service.handle) }
  }
  const components = () => ({ store, swarm, ledger, clock: realClock, random: realRandom })
  const mapOf = (pieces: readonly number[]): PieceMap => {
    const map = new PieceMap(model.numbers.count)
    for (const piece of pieces) map.add(piece)
    return map
  }
  const spoil = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
    return bytes
  }

  it('bans a peer for a wrong piece, for this download and the next, and gets the piece elsewhere', async () => {
    const bad = await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        onMessage: (said, to) => said.type === 'want' && sendPiece(model, said.piece, to, spoil),
      }),
    )
    const { service, name } = await honest()
    const done = await fetchModel(components(), model.manifest)
    expect(await heldIn(model, store)).toBe(7)
    expect(done.faults).toMatchObject([{ from: 'peer', name: bad, error: { code: 'models.wrong-piece' } }])
    expect(done.wastedBytes).toBeGreaterThan(0)
    expect(service.givenBytes).toBe(done.totalBytes)
    expect(ledger.isBanned(bad)).toBe(true)
    store = new MemoryStore({ digest })
    swarm.opened.splice(0)
    await fetchModel(components(), model.manifest)
    expect(new Set(swarm.opened)).toEqual(new Set([name]))
  })

  it('takes the place of a peer that does not have what it told', async () => {
    let wants = 0
    const liar = await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        onMessage: (said, to) => {
          if (said.type !== 'want') return undefined
          wants++
          const error = { code: 'models.piece-missing', facts: { piece: said.piece } }
          return to.send({ type: 'refused', piece: said.piece, error })
        },
      }),
    )
    await honest()
    const done = await fetchModel(components(), model.manifest)
    expect(await heldIn(model, store)).toBe(7)
    expect(done.faults).toMatchObject([{ name: liar, error: { code: 'models.lying-seeder' } }])
    expect(wants).toBeLessThanOrEqual(2 * MAX_MISSING_PIECES)
    expect(ledger.isBanned(liar)).toBe(false) // it may have lost them in good faith
  })

  it('asks another at once when a peer stalls on the last piece, and cancels there what came', async () => {
    const cancelled = Promise.withResolvers<number>()
    const asked = Promise.withResolvers<void>()
    await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        map: mapOf([4]),
        onMessage: async (said, to) => {
          if (said.type === 'cancel') cancelled.resolve(said.piece)
          if (said.type !== 'want') return
          asked.resolve()
          await to.send({ type: 'data', piece: 4, offset: 0, bytes: new Uint8Array(8192) }) // and no more
        },
      }),
    )
    // Comes by the last piece when the other one has been asked for it.
    await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        map: mapOf([0, 1, 2, 3, 5, 6]),
        onOpened: async (to) => {
          await asked.promise
          await to.send({ type: 'have', pieces: [4] })
        },
        onMessage: (said, to) => said.type === 'want' && sendPiece(model, said.piece, to),
      }),
    )
    const startedAt = realClock.monotonic()
    const done = await fetchModel(components(), model.manifest)
    expect(await cancelled.promise).toBe(4)
    expect(await heldIn(model, store)).toBe(7)
    expect(realClock.monotonic() - startedAt).toBeLessThan(STALL_MS)
    expect(done.faults).toEqual([])
  })

  it('gives up a peer with a slot of which nothing comes, and goes on with another', async () => {
    const clock = new FakeClock()
    const silent = await swarm.add(scriptedSeeder(model, { clock }))
    const faults: string[] = []
    const fetching = fetchModel({ ...components(), clock }, model.manifest, {
      onProgress: (progress) => {
        for (const { error } of progress.faults.slice(faults.length)) faults.push(error.code)
      },
    })
    await clock.advance(STALL_MS - 1000)
    expect(faults).toEqual([])
    await clock.advance(4000)
    expect(faults).toEqual(['models.seeder-stalled'])
    await honest(undefined, clock)
    for (let step = 0; step < 200 && (await heldIn(model, store)) < 7; step++) await clock.advance(500)
    const done = await fetching
    expect(done.faults).toMatchObject([{ name: silent, error: { code: 'models.seeder-stalled' } }])
    expect(done.missingBytes).toBe(0)
  })

  it.each([
    [
      'more than it was asked for',
      'models.seeder-flood',
      { type: 'data', piece: 0, offset: 0, bytes: new Uint8Array(61_440) },
    ],
    ['news of nothing', 'models.seeder-flood', { type: 'have', pieces: [] }],
    ['the same news without end', 'models.seeder-flood', { type: 'have', pieces: Array(40).fill(1) }],
    ['slots that come and go without end', 'models.seeder-flood', { type: 'choke' }],
    ['a piece that there is not', 'wire.malformed', { type: 'have', pieces: [7] }],
    [
      'refusals of what nobody asked for',
      'models.seeder-flood',
      { type: 'refused', piece: 0, error: { code: 'models.piece-missing', facts: {} } },
    ],
    ['no message at all', 'wire.malformed', { type: 'other' }],
  ])('closes the stream of a peer that sends %s', async (_, code, message) => {
    const closed = Promise.withResolvers<void>()
    const flood = await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        hasSlot: false,
        onOpened: async (to) => {
          for (let i = 0; i < 400; i++) await to.send(message)
        },
        onClosed: closed.resolve,
      }),
    )
    await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        onMessage: async (said, to) => {
          await closed.promise
          if (said.type === 'want') await sendPiece(model, said.piece, to)
        },
      }),
    )
    const done = await fetchModel(components(), model.manifest)
    expect(done.faults).toMatchObject([{ from: 'peer', name: flood, error: { code } }])
    expect(await heldIn(model, store)).toBe(7)
  })

  it('closes the stream of a peer whose map is of another model', async () => {
    const other = await swarm.add(scriptedSeeder(model, { clock: realClock, map: new PieceMap(9) }))
    await honest()
    const done = await fetchModel(components(), model.manifest)
    expect(done.faults).toMatchObject([{ name: other, error: { code: 'wire.malformed' } }])
  })

  it('closes the stream of a peer that sends a piece in crumbs', async () => {
    const crumbs = await swarm.add(
      scriptedSeeder(model, {
        clock: realClock,
        onMessage: async (said, to) => {
          for (let offset = 0; said.type === 'want' && offset < 200; offset++)
            await to.send({ type: 'data', piece: said.piece, offset, bytes: new Uint8Array(1) })
        },
      }),
    )
    await honest()
    const done = await fetchModel(components(), model.manifest)
    expect(done.faults).toMatchObject([{ name: crumbs, error: { code: 'models.seeder-flood' } }])
    expect(await heldIn(model, store)).toBe(7)
  })

  it('goes on with peers when an origin serves other bytes, and asks it no more', async () => {
    const cap = new RateCap(realClock, 0)
    await honest(undefined, realClock, cap)
    const wrong = originOf(model, (bytes) => bytes.map((byte) => byte ^ 1))
    const origins = [{ name: 'hub', source: wrong }]
    const done = await fetchModel({ ...components(), origins }, model.manifest, {
      originCost: 0,
      onProgress: ({ faults }) => {
        if (faults.length > 0) cap.set(undefined)
      },
    })
    expect(await heldIn(model, store)).toBe(7)
    expect(new Set(done.faults.map(({ error }) => error.code))).toEqual(new Set(['models.origin-differs']))
    const asked = wrong.opened.map(({ path }) => path)
    expect(asked, 'each file once').toEqual([...new Set(asked)])
    expect(done.peers.bytes).toBe(done.totalBytes)
  })

  it('goes on with peers when the origin is gone, and with the origin when all peers are', async () => {
    const gone = {
      open: async () => {
        throw new InfernetError('models.unavailable', { path: 'x', status: 'no answer' })
      },
    }
    const { name } = await honest()
    await fetchModel({ ...components(), origins: [{ name: 'hub', source: gone }] }, model.manifest)
    expect(await heldIn(model, store)).toBe(7)
    store = new MemoryStore({ digest })
    swarm.remove(name)
    const origins = [{ name: 'hub', source: originOf(model) }]
    const done = await fetchModel({ ...components(), origins }, model.manifest)
    expect(done.origins.bytes).toBe(done.totalBytes)
  })

  it('takes a second origin where the first ends early', async () => {
    const short = originOf(model, (bytes) => bytes.subarray(0, 2 * MIB))
    const origins = [
      { name: 'first', source: short },
      { name: 'second', source: originOf(model) },
    ]
    await fetchModel({ ...components(), swarm: undefined, origins }, model.manifest)
    expect(await heldIn(model, store)).toBe(7)
  })

  it('reads an origin that cannot skip from the beginning, and uses what comes before', async () => {
    const plain = originOf(model)
    const source = {
      open: (path: string, options: { signal?: AbortSignal | undefined }) =>
        plain.open(path, { ...options, offset: 0 }),
    }
    store = await storeWith(model, [0])
    await fetchModel({ ...components(), origins: [{ name: 'hub', source }] }, model.manifest)
    expect(await heldIn(model, store)).toBe(7)
  })

  it('ends when peers promise for long and nothing comes of it', async () => {
    const clock = new FakeClock()
    await swarm.add(scriptedSeeder(model, { clock, hasSlot: false }))
    const failed = fetchModel({ ...components(), clock }, model.manifest).catch((thrown: unknown) => thrown)
    let isOver = false
    void failed.then(() => (isOver = true))
    await clock.advance(QUIET_MS - 10_000)
    expect(isOver).toBe(false)
    await clock.advance(20_000)
    expect(await failed).toMatchObject({ code: 'models.nobody-left', facts: { keptMb: 0 } })
  })

  it('blames no peer for what the visitor’s own cap holds back', async () => {
    const clock = new FakeClock()
    await honest(undefined, clock)
    const cap = new RateCap(clock, 80_000)
    const fetching = fetchModel({ ...components(), clock, cap }, model.manifest)
    for (let step = 0; step < 10; step++) await clock.advance(5000)
    expect(await heldIn(model, store)).toBeGreaterThan(1)
    expect(await heldIn(model, store)).toBeLessThan(7)
    cap.set(undefined)
    for (let step = 0; step < 200 && (await heldIn(model, store)) < 7; step++) await clock.advance(250)
    expect((await fetching).faults).toEqual([])
  })

  it.each([
    ['limited', { limits: { bytes: 1n, seconds: 1 } }],
    ['a circuit', { remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1/ws/p2p-circuit') }],
  ])('never travels over a relayed connection (%s)', async (_, connection) => {
    const { service } = await honest()
    swarm.connection = connection
    const clock = new FakeClock()
    const failed = fetchModel({ ...components(), clock }, model.manifest).catch((thrown: unknown) => thrown)
    for (let step = 0; step < 60; step++) await clock.advance(1000)
    expect(await failed).toMatchObject({ code: 'models.nobody-left' })
    expect(service.givenBytes).toBe(0)
  })
})
