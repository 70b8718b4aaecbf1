import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Stream } from '@libp2p/interface'
import { peerName } from '../../base/ids.ts'
import { KIB, MIB, millis } from '../../base/units.ts'
import type { ErrorCode } from '../../errors/code-table.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import {
  digest,
  heldIn,
  makeModel,
  pieceOf,
  scriptedSeeder,
  storeWith,
  TestSwarm,
  type ScriptedSeeder,
  type TestModel,
} from '../../testing/pieces.ts'
import { realRandom } from '../../testing/real-clock.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { PIECE_BYTES } from '../manifest.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { PieceMap } from '../store/piece-map.ts'
import {
  DIAL_RATE,
  FIND_ALONE_MS,
  FIND_MS,
  GIVE_UP_MS,
  MAX_ENDGAME_SOURCES,
  MAX_FETCH_PEERS,
  PLACE_MS,
  QUIET_MS,
  STALL_MS,
} from './constants.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import { fetchModel } from './fetch-model.ts'
import type { FetchProgress } from './fetch-progress.ts'
import { fetcherMessageSchema } from './messages.ts'
import { PieceNumbers } from './numbering.ts'
import { PiecesService } from './pieces-service.ts'
import { RateCap } from './rate-cap.ts'

describe('a download in a crowd of names that cost nothing', () => {
  let model: TestModel
  let store: MemoryStore
  let swarm: TestSwarm
  let clock: FakeClock
  let service: PiecesService

  beforeEach(async () => {
    model = await makeModel({ 'onnx/model.onnx': 3.5 * MIB, 'tokenizer.json': 3000 })
    store = new MemoryStore({ digest })
    swarm = await TestSwarm.create()
    clock = new FakeClock()
    service = new PiecesService({ clock, random: realRandom, ledger: new ExchangeLedger(clock) })
  })
  afterEach(() => service.stop())

  const begin = (cap?: RateCap) => {
    const stop = new AbortController()
    const run = { done: false, stop: () => stop.abort(new Error('enough')) }
    const components = { store, swarm, clock, random: realRandom, cap }
    const ended = fetchModel(components, model.manifest, { signal: stop.signal }).finally(
      () => (run.done = true),
    )
    ended.catch(() => undefined)
    return Object.assign(run, { ended })
  }
  const addHonest = async (): Promise<void> => {
    await service.share(model.manifest, await storeWith(model))
    await swarm.add(service.handle)
  }
  /** Sends what it was asked for in drops: never silent for long, and never done. */
  const dripping = (has: (piece: number) => boolean) => {
    const map = new PieceMap(model.numbers.count)
    for (let piece = 0; piece < map.pieces; piece++) if (has(piece)) map.add(piece)
    const drip = (piece: number, offset: number, to: ScriptedSeeder): void =>
      void clock.schedule(millis(STALL_MS / 2), () => {
        const bytes = pieceOf(model, piece).subarray(offset, offset + 8 * KIB)
        to.send({ type: 'data', piece, offset, bytes }).then(
          () => drip(piece, offset + 8 * KIB, to),
          () => undefined,
        )
      })
    return scriptedSeeder(model, {
      clock,
      map,
      onMessage: (said, to) => said.type === 'want' && drip(said.piece, 0, to),
    })
  }
  const refuse = async (stream: Stream, code: ErrorCode): Promise<void> => {
    const frames = new FramedStream(stream, fetcherMessageSchema, clock)
    await frames.receive()
    await frames.send({ type: 'refused', error: errorToMessage(new InfernetError(code)) })
    await frames.close()
  }
  /** In small steps, so that streams and hashes have their turns between them. */
  const pass = async (ms: number, until: () => boolean = () => false): Promise<void> => {
    for (let step = 0; step < ms / 500 && !until(); step++) await clock.advance(500)
  }

  it('lets somebody else in where all places are taken by those who bring nothing', async () => {
    for (let i = 0; i < MAX_FETCH_PEERS; i++)
      await swarm.add(scriptedSeeder(model, { clock, hasSlot: false }))
    const run = begin()
    await pass(2000)
    expect(swarm.opened).toHaveLength(MAX_FETCH_PEERS)
    await addHonest()
    await pass(2 * (PLACE_MS + FIND_MS), () => run.done)
    expect((await run.ended).faults).toEqual([])
    expect(await heldIn(model, store)).toBe(5)
  })

  it('lets somebody else in where they drip', async () => {
    for (let i = 0; i < MAX_FETCH_PEERS; i++) await swarm.add(dripping((piece) => piece < 4))
    const run = begin()
    await pass(2000)
    await addHonest()
    await pass(2 * (PLACE_MS + FIND_MS), () => run.done)
    expect(run.done).toBe(true)
    expect(await heldIn(model, store)).toBe(5)
  })

  it('keeps the visitor’s cap for those who bring, where others give and take their slots', async () => {
    for (let i = 0; i < 3; i++)
      await swarm.add(
        scriptedSeeder(model, {
          clock,
          onMessage: async (said, to) => {
            if (said.type !== 'want') return
            await to.send({ type: 'choke' })
            clock.schedule(millis(1500), () => void to.send({ type: 'unchoke' }).catch(() => undefined))
          },
        }),
      )
    await addHonest()
    const run = begin(new RateCap(clock, MIB))
    await pass(8000, () => run.done)
    expect(run.done).toBe(true)
    expect(await heldIn(model, store)).toBe(5)
  })

  it('ends where they do nothing but drip', async () => {
    const run = begin()
    for (let at = 0; at < QUIET_MS - 10_000; at += 5000) {
      if (at % 50_000 === 0) await swarm.add(dripping((piece) => piece < 4))
      await clock.advance(5000)
    }
    expect(run.done).toBe(false)
    for (let at = 0; at < 30_000 && !run.done; at += 5000) await clock.advance(5000)
    await expect(run.ended).rejects.toMatchObject({ code: 'models.nobody-left' })
  })

  it('waits for none of those who drip on the last piece, however many they are', async () => {
    for (let i = 0; i < MAX_ENDGAME_SOURCES; i++) await swarm.add(dripping((piece) => piece === 2))
    const run = begin()
    await pass(2000)
    await addHonest()
    await pass(FIND_MS + 2 * STALL_MS, () => run.done)
    expect(run.done).toBe(true)
    expect(await heldIn(model, store)).toBe(5)
  })

  it('closes the stream of one that tells news piece by piece without end', async () => {
    const size = 1000 * PIECE_BYTES
    const hash = 'a'.repeat(64)
    const file = { path: 'large', size, sha256: hash, pieces: Array(1000).fill(hash) as string[] }
    const manifest = { ...model.manifest, files: [file], weights: 'large' }
    const numbers = new PieceNumbers(manifest)
    await swarm.add(
      scriptedSeeder(
        { ...model, numbers },
        {
          clock,
          map: new PieceMap(1000),
          onOpened: async (to) => {
            for (let piece = 0; piece < 1000; piece++) await to.send({ type: 'have', pieces: [piece] })
          },
        },
      ),
    )
    let faults: FetchProgress['faults'] = []
    const stop = new AbortController()
    const run = fetchModel({ store, swarm, clock, random: realRandom }, manifest, {
      signal: stop.signal,
      onProgress: (progress) => (faults = progress.faults),
    })
    run.catch(() => undefined)
    await pass(5000, () => faults.length > 0)
    expect(faults).toMatchObject([{ error: { code: 'models.seeder-flood' } }])
    stop.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
  })

  it('dials no more of them than its rate', async () => {
    swarm.find = async () =>
      Array.from({ length: 64 }, (_, i) => ({
        name: peerName(`${swarm.me}-${swarm.opened.length}-${i}`),
        open: async () => {
          swarm.opened.push(swarm.me)
          throw new Error('refused')
        },
      }))
    const run = begin()
    await pass(GIVE_UP_MS * 3, () => run.done)
    run.stop()
    const [seconds, rounds] = [clock.monotonic() / 1000, clock.monotonic() / FIND_ALONE_MS]
    expect(swarm.opened.length).toBeLessThanOrEqual(DIAL_RATE.burst + seconds * DIAL_RATE.perSecond)
    expect(swarm.opened.length).toBeGreaterThan(rounds)
    await expect(run.ended).rejects.toThrow()
  })

  it('asks a seeder again soon that has no place now, and does not give the model up meanwhile', async () => {
    let isBusy = true
    await service.share(model.manifest, await storeWith(model))
    await swarm.add(async (stream, connection) => {
      if (!isBusy) return service.handle(stream, connection)
      return refuse(stream, 'models.upload-busy')
    })
    const run = begin()
    await pass(2 * GIVE_UP_MS)
    expect(run.done).toBe(false)
    isBusy = false
    await pass(GIVE_UP_MS, () => run.done)
    expect(run.done).toBe(true)
    expect(await heldIn(model, store)).toBe(5)
  })
})
