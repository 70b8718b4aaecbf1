import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { MIB } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { openFetcher, type Fetcher } from '../../testing/fetchers.ts'
import { connectedStreams, countingRandom, makePeer, type TestPeer } from '../../testing/peers.ts'
import { makeModel, pieceOf, storeWith, type TestModel } from '../../testing/pieces.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { hashManifest } from '../manifest.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import {
  MAX_PIECES_STREAMS,
  MAX_UPLOADS,
  IDLE_MESSAGES,
  ODD_WANTS,
  ROTATE_MS,
  UPLOAD_IDLE_MS,
} from './constants.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import { fetcherMessageSchema } from './messages.ts'
import { PiecesService } from './pieces-service.ts'
import { RateCap } from './rate-cap.ts'
import { SharedModel, type SeedStore } from './shared-model.ts'
import { UploadSession } from './upload-session.ts'

describe('a seeder among fetchers who want more than their part', () => {
  let clock: FakeClock
  let cap: RateCap
  let model: TestModel
  let service: PiecesService

  beforeEach(async () => {
    clock = new FakeClock()
    cap = new RateCap(clock)
    model = await makeModel({ 'onnx/model.onnx': 1.5 * MIB })
    const ledger = new ExchangeLedger(clock)
    service = new PiecesService({ clock, random: countingRandom(), ledger, cap })
    await service.share(model.manifest, await storeWith(model))
  })
  afterEach(() => service.stop())

  const ask = (type: 'open' | 'manifest', peer?: TestPeer): Promise<Fetcher> =>
    openFetcher({ service, clock }, { type, model: fromHex(hashManifest(model.manifest)) }, peer)
  const slotChanges = ({ heard }: Fetcher): number =>
    heard.filter(({ type }) => type === 'choke' || type === 'unchoke').length
  const wait = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await clock.advance(1)
  }

  it('answers no more streams of one peer than it may have, however many connections it has', async () => {
    const greedy = await makePeer()
    const streams = await Promise.all(Array.from({ length: 10 }, () => ask('open', greedy)))
    await wait()
    expect(service.uploads).toHaveLength(MAX_PIECES_STREAMS)
    const refused = streams.filter(({ heard }) => heard.some(({ type }) => type === 'refused'))
    expect(refused).toHaveLength(10 - MAX_PIECES_STREAMS)
    expect(refused[0]?.heard).toMatchObject([{ error: { code: 'models.upload-busy' } }])
    streams.find((stream) => !refused.includes(stream))?.leave()
    await wait()
    await ask('open', greedy)
    await wait()
    expect(service.uploads).toHaveLength(MAX_PIECES_STREAMS)
  })

  it('lets a newcomer in where others hold all places: of the peer with the most, what was used the longest ago', async () => {
    const served = await Promise.all(Array.from({ length: 2 }, () => ask('open')))
    await wait()
    const holders = await Promise.all(Array.from({ length: 15 }, () => makePeer()))
    const held: Fetcher[] = []
    for (const holder of holders)
      for (let i = 0; i < MAX_PIECES_STREAMS; i++) held.push(await ask('open', holder))
    await wait()
    const rest = await Promise.all(Array.from({ length: 2 }, () => ask('open')))
    await wait()
    expect(service.uploads).toHaveLength(MAX_UPLOADS)
    const newcomer = await ask('open')
    await wait()
    expect(newcomer.heard[0]).toMatchObject({ type: 'opened' })
    expect(service.uploads).toHaveLength(MAX_UPLOADS)
    const turned = (each: Fetcher): boolean => each.heard.some(({ type }) => type === 'refused')
    expect(held.filter(turned)).toHaveLength(1)
    expect(held.find(turned)?.heard.at(-1)).toMatchObject({ error: { code: 'models.upload-busy' } })
    expect([...served, ...rest].some(turned)).toBe(false)
    for (let i = 0; i < 30; i++) expect(turned(await ask('open'))).toBe(false)
    await wait()
    expect([...served, ...rest].some(turned)).toBe(false)
  })

  it('gives each of a crowd one turn of the slots before a newcomer has its place', async () => {
    const crowd = await Promise.all(Array.from({ length: MAX_UPLOADS }, () => ask('open')))
    await wait()
    const busy = (each: Fetcher): boolean => each.heard.some(({ type }) => type === 'refused')
    const early = await ask('open')
    await wait()
    expect([busy(early), crowd.some(busy)]).toEqual([true, false])
    await clock.advance(ROTATE_MS)
    const newcomer = await ask('open')
    await wait()
    expect([busy(newcomer), crowd.filter(busy).length]).toEqual([false, 1])
  })

  it('takes no place away for one who is refused', async () => {
    const crowd = await Promise.all(Array.from({ length: MAX_UPLOADS }, () => ask('open')))
    await clock.advance(ROTATE_MS)
    const unknown = { type: 'open' as const, model: new Uint8Array(32) }
    const refused = await openFetcher({ service, clock }, unknown)
    await wait()
    expect(refused.heard).toMatchObject([{ error: { code: 'models.not-seeded' } }])
    expect(crowd.some(({ heard }) => heard.some(({ type }) => type === 'refused'))).toBe(false)
  })

  it('lets no peer’s changes of mind take the slots of others', async () => {
    const others = await Promise.all(Array.from({ length: 7 }, () => ask('open')))
    const fickle = await ask('open')
    await wait()
    const before = others.map(slotChanges)
    for (let i = 0; i < 200; i++) {
      await fickle.say({ type: 'interest', wanted: i % 2 === 1 })
      if (i % 10 === 0) await clock.advance(20)
    }
    await wait()
    const changes = others.map((other, i) => slotChanges(other) - (before[i] ?? 0))
    expect(Math.max(...changes)).toBeLessThanOrEqual(1)
    await clock.advance(ROTATE_MS)
    expect(service.uploads.filter(({ isServed }) => isServed)).toHaveLength(4)
  })

  it('counts what a peer got on all its streams: a new one is no new start', async () => {
    const hungry = await makePeer()
    const ledger = new ExchangeLedger(clock)
    ledger.gave(hungry.name, MIB)
    const { theirs } = await connectedStreams(hungry)
    const frames = new FramedStream(theirs, fetcherMessageSchema, clock)
    const shared = await SharedModel.open(model.manifest, await storeWith(model))
    const nothing = (): void => undefined
    const components = { clock, ledger, cap, onInterest: nothing, onGiven: nothing }
    const session = new UploadSession(frames, hungry.name, shared, components)
    expect([session.given, session.givenHere]).toEqual([MIB, 0])
  })

  it('ends the stream of one that asks for bits of pieces without end, or for what is not here', async () => {
    const store = await storeWith(model, [0])
    service.unshare(hashManifest(model.manifest))
    await service.share(model.manifest, store)
    for (const odd of [
      { piece: 0, offset: 0, length: 1 },
      { piece: 1, offset: 0, length: MIB / 2 },
    ]) {
      const fetcher = await ask('open')
      await wait()
      for (let i = 0; i < ODD_WANTS.burst; i++) {
        await fetcher.say({ type: 'want', ...odd })
        if (i % 8 === 7) await wait()
      }
      expect([fetcher.isClosed(), fetcher.heard.length]).toEqual([false, ODD_WANTS.burst + 2])
      for (let i = 0; i < 8; i++) await fetcher.say({ type: 'want', ...odd }).catch(() => undefined)
      await wait()
      expect(fetcher.isClosed()).toBe(true)
    }
  })

  it.each([
    ['what it wants without a slot', { type: 'want', piece: 0, offset: 0, length: 1 }],
    ['that it takes back what it did not ask for', { type: 'cancel', piece: 0 }],
    ['what it told before', { type: 'interest', wanted: true }],
  ])('ends the stream of one that says without end %s', async (_, message) => {
    for (let i = 0; i < 4; i++) await ask('open')
    const fetcher = await ask('open')
    await wait()
    for (let i = 0; i < IDLE_MESSAGES.burst; i++) {
      await fetcher.say(message)
      if (i % 32 === 31) await wait()
    }
    expect(fetcher.isClosed()).toBe(false)
    for (let i = 0; i < 8; i++) await fetcher.say(message).catch(() => undefined)
    await wait()
    expect(fetcher.isClosed()).toBe(true)
  })

  it('tells those who fetch what comes after the model was shared anew', async () => {
    const store = await storeWith(model, [0])
    service.unshare(hashManifest(model.manifest))
    await service.share(model.manifest, store)
    const fetcher = await ask('open')
    await service.share(model.manifest, store)
    await store.put(...pieceAt(model, 1))
    service.noteHeld(hashManifest(model.manifest), 1)
    expect(service.shared).toMatchObject([{ held: 2 }])
    await clock.advance(1000)
    expect(fetcher.heard.at(-1)).toEqual({ type: 'have', pieces: [1] })
    for (let i = 0; i <= ODD_WANTS.burst; i++) {
      await fetcher.say({ type: 'want', piece: 1, offset: 0, length: MIB / 2 })
      await wait()
    }
    expect(fetcher.bytes()).toBe((ODD_WANTS.burst + 1) * (MIB / 2))
  })

  it('tells also what came while the store was asked, whoever else asked for it meanwhile', async () => {
    const store = await storeWith(model, [1])
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let looks = 0
    const slow: SeedStore = {
      read: (file, piece) => store.read(file, piece),
      held: async (file) => {
        const map = await store.held(file)
        await gates[looks++ - 1]?.promise // the first look is that of `share`
        return map
      },
    }
    await service.share(model.manifest, slow)
    const [one, other] = await Promise.all([ask('open'), ask('open')])
    gates[0]?.resolve()
    await wait()
    service.noteHeld(hashManifest(model.manifest), 0)
    gates[1]?.resolve()
    await wait()
    const maps = [one, other].flatMap(({ heard }) => heard.filter(({ type }) => type === 'opened'))
    expect(maps).toMatchObject([{ map: Uint8Array.of(0x40) }, { map: Uint8Array.of(0xc0) }])
  })

  it('keeps no place for who asks for a manifest and goes while nothing may go out', async () => {
    cap.set(0)
    const asking: Fetcher[] = []
    for (let i = 0; i < MAX_UPLOADS; i++) asking.push(await ask('manifest'))
    expect((await ask('open')).heard).toMatchObject([{ error: { code: 'models.upload-busy' } }])
    for (const each of asking.slice(1)) each.leave()
    await wait()
    expect((await ask('open')).heard).toMatchObject([{ type: 'opened' }, { type: 'unchoke' }])
    await clock.advance(UPLOAD_IDLE_MS)
    expect(asking[0]?.isClosed(), 'nor for who stays').toBe(true)
  })
})

function pieceAt(model: TestModel, flat: number): Parameters<MemoryStore['put']> {
  const placed = model.numbers.at(flat)
  if (!placed) throw new RangeError('no such piece')
  return [placed.file, placed.piece, pieceOf(model, flat)]
}
