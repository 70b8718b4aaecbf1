import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromHex } from '../../base/bytes.ts'
import { KIB, MIB } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { openFetcher, type Fetcher } from '../../testing/fetchers.ts'
import { countingRandom, makePeer, type TestPeer } from '../../testing/peers.ts'
import { makeModel, pieceOf, storeWith, type TestModel } from '../../testing/pieces.ts'
import { hashManifest } from '../manifest.ts'
import { MAX_UPLOADS, MAX_WAITING_WANTS, OPEN_RATE, ROTATE_MS, UPLOAD_BUDGET_MS } from './constants.ts'
import { ExchangeLedger } from './exchange-ledger.ts'
import { PiecesService } from './pieces-service.ts'
import { RateCap } from './rate-cap.ts'

describe('PiecesService', () => {
  let clock: FakeClock
  let ledger: ExchangeLedger
  let cap: RateCap
  let model: TestModel
  let service: PiecesService
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(async () => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
    clock = new FakeClock()
    ledger = new ExchangeLedger(clock, { budgetBytes: 2 * MIB })
    cap = new RateCap(clock)
    model = await makeModel({ 'onnx/model.onnx': 3.5 * MIB })
    service = new PiecesService({ clock, random: countingRandom(), ledger, cap })
    await service.share(model.manifest, await storeWith(model))
  })
  afterEach(async () => {
    service.stop()
    await clock.advance(10)
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  const open = (
    peer?: TestPeer,
    first: unknown = { type: 'open', model: fromHex(hashManifest(model.manifest)) },
  ): Promise<Fetcher> => openFetcher({ service, clock }, first, peer)
  const want = (piece: number, length = piece === 3 ? MIB / 2 : MIB) => ({
    type: 'want',
    piece,
    offset: 0,
    length,
  })
  const wait = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) await clock.advance(1)
  }

  it('tells what is here, gives a slot, and sends what is asked for in order', async () => {
    const fetcher = await open()
    expect(fetcher.heard).toMatchObject([{ type: 'opened', map: Uint8Array.of(0xf0) }, { type: 'unchoke' }])
    await fetcher.say(want(3))
    await wait()
    const data = fetcher.heard.filter((said) => said.type === 'data')
    expect(Buffer.concat(data.map(({ bytes }) => bytes))).toEqual(Buffer.from(pieceOf(model, 3)))
    expect(Math.max(...data.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(60 * KIB)
  })

  it('sends a part of a piece, and refuses one beyond its end by name', async () => {
    const fetcher = await open()
    await fetcher.say({ type: 'want', piece: 3, offset: 1000, length: 10 })
    await fetcher.say({ type: 'want', piece: 3, offset: MIB / 2 - 5, length: 10 })
    await wait()
    expect(fetcher.heard.slice(2)).toMatchObject([
      { type: 'data', offset: 1000, bytes: pieceOf(model, 3).subarray(1000, 1010) },
      { type: 'refused', piece: 3, error: { code: 'models.piece-missing' } },
    ])
  })

  it('serves three and one by chance, and lets the others have their turn', async () => {
    const fetchers = await Promise.all(Array.from({ length: 6 }, () => open()))
    await wait()
    const served = (): number => service.uploads.filter(({ isServed }) => isServed).length
    expect(served()).toBe(4)
    const hadSlot = (fetcher: Fetcher): boolean => fetcher.heard.some(({ type }) => type === 'unchoke')
    // Each asks whenever it may, so that a turn shows in what it was given.
    for (let turn = 0; turn < 12 && !fetchers.every(hadSlot); turn++) {
      for (const fetcher of fetchers) await fetcher.say({ type: 'want', piece: 3, offset: 0, length: 1000 })
      await clock.advance(ROTATE_MS)
      expect(served()).toBe(4)
    }
    expect(fetchers.every(hadSlot)).toBe(true)
    expect(fetchers.some(({ heard }) => heard.some(({ type }) => type === 'choke'))).toBe(true)
  })

  it('serves those first who gave most lately', async () => {
    const generous = await makePeer()
    await Promise.all(Array.from({ length: 5 }, () => open()))
    const fetcher = await open(generous)
    ledger.got(generous.name, MIB)
    await clock.advance(ROTATE_MS)
    await wait()
    expect(fetcher.heard.at(-1)).toEqual({ type: 'unchoke' })
    expect(service.uploads.find(({ peer }) => peer === generous.name)?.isServed).toBe(true)
  })

  it('gives no slot to who has no use for it, and frees one at once', async () => {
    const fetchers = await Promise.all(Array.from({ length: 5 }, () => open()))
    const left = fetchers.find(({ heard }) => !heard.some(({ type }) => type === 'unchoke'))
    const other = fetchers.find((each) => each !== left)
    await other?.say({ type: 'interest', wanted: false })
    await wait()
    expect(left?.heard.at(-1)).toEqual({ type: 'unchoke' })
    expect(other?.heard.at(-1)).toEqual({ type: 'choke' })
  })

  it('stops at the budget, and goes on for who gives', async () => {
    const fetcher = await open()
    for (const piece of [0, 1, 2]) await fetcher.say(want(piece))
    await wait()
    expect(fetcher.bytes()).toBe(2 * MIB)
    expect(fetcher.heard.at(-1)).toMatchObject({ type: 'refused', error: { code: 'models.upload-spent' } })
    ledger.got(fetcher.peer.name, MIB)
    await fetcher.say(want(2))
    await wait()
    expect(fetcher.bytes()).toBe(3 * MIB)
    ledger.gave(fetcher.peer.name, 1)
    expect(ledger.allowance(fetcher.peer.name)).toBeLessThan(0)
    await clock.advance(UPLOAD_BUDGET_MS)
    expect(ledger.allowance(fetcher.peer.name)).toBe(2 * MIB)
  })

  it('sends no faster than the visitor lets it, all peers together, and feels a new rate', async () => {
    cap.set(64 * KIB)
    const fetchers = [await open(), await open()]
    for (const fetcher of fetchers) await fetcher.say(want(0))
    const sum = (): number => fetchers.reduce((all, each) => all + each.bytes(), 0)
    await clock.advance(8000)
    // What was saved, and one frame that was lent.
    expect(sum()).toBeGreaterThan(7 * 64 * KIB)
    expect(sum()).toBeLessThanOrEqual(8 * 64 * KIB + 16 * KIB + 60 * KIB)
    expect(Math.min(...fetchers.map((each) => each.bytes()))).toBeGreaterThan(2 * 64 * KIB)
    cap.set(0)
    const before = sum()
    await clock.advance(20_000)
    expect(sum() - before).toBeLessThanOrEqual(60 * KIB)
    cap.set(undefined)
    await clock.advance(1000)
    await wait()
    expect(sum()).toBe(2 * MIB)
  })

  it('forgets a want that is cancelled, also while it is sent', async () => {
    cap.set(64 * KIB)
    const fetcher = await open()
    await fetcher.say(want(0))
    await fetcher.say(want(1))
    await clock.advance(2000)
    await fetcher.say({ type: 'cancel', piece: 0 })
    await clock.advance(2000)
    await fetcher.say({ type: 'cancel', piece: 1 })
    await clock.advance(2000)
    const before = fetcher.bytes()
    await clock.advance(5000)
    expect(fetcher.bytes()).toBe(before)
    expect(before).toBeLessThan(MIB / 2)
  })

  it('forgets a want that is cancelled while it waits', async () => {
    cap.set(64 * KIB)
    const fetcher = await open()
    for (const piece of [0, 1, 3]) await fetcher.say(want(piece))
    await clock.advance(100)
    await fetcher.say({ type: 'cancel', piece: 1 })
    await clock.advance(100)
    cap.set(undefined)
    await clock.advance(1000)
    await wait()
    const pieces = fetcher.heard.flatMap((said) => (said.type === 'data' ? [said.piece] : []))
    expect(new Set(pieces)).toEqual(new Set([0, 3]))
    expect(fetcher.bytes()).toBe(1.5 * MIB)
  })

  it.each([
    ['a model that is not shared', { type: 'open', model: new Uint8Array(32) }],
    ['a manifest that is not shared', { type: 'manifest', model: new Uint8Array(32) }],
  ])('refuses %s by name, and closes the stream', async (_, first) => {
    const fetcher = await open(undefined, first)
    await wait()
    expect(fetcher.heard).toMatchObject([{ type: 'refused', error: { code: 'models.not-seeded' } }])
    expect(fetcher.isClosed()).toBe(true)
  })

  it('ends a stream that asks for more at once than anybody needs', async () => {
    cap.set(0)
    const fetcher = await open()
    for (let i = 0; i < MAX_WAITING_WANTS + 3; i++) await fetcher.say(want(0)).catch(() => undefined)
    await wait()
    expect(fetcher.isClosed()).toBe(true)
    expect(service.uploads).toEqual([])
  })

  it('ends a stream that opens twice', async () => {
    const fetcher = await open()
    await fetcher.say({ type: 'open', model: fromHex(hashManifest(model.manifest)) })
    await wait()
    expect(fetcher.isClosed()).toBe(true)
  })

  it('refuses whom it banned, and more streams than it can hold', async () => {
    const bad = await makePeer()
    ledger.ban(bad.name)
    expect((await open(bad)).heard).toMatchObject([{ error: { code: 'models.not-seeded' } }])
    await Promise.all(Array.from({ length: MAX_UPLOADS }, () => open()))
    expect((await open()).heard).toMatchObject([{ error: { code: 'models.upload-busy' } }])
  })

  it('answers no more requests of one peer than its rate, and counts manifests', async () => {
    const peer = await makePeer()
    const ask = { type: 'manifest', model: fromHex(hashManifest(model.manifest)) }
    for (let i = 0; i < OPEN_RATE.burst; i++)
      expect((await open(peer, ask)).heard).toMatchObject([{ type: 'manifest' }])
    expect((await open(peer, ask)).heard).toMatchObject([{ error: { code: 'models.upload-busy' } }])
    expect(ledger.allowance(peer.name)).toBeLessThan(2 * MIB)
    ledger.gave(peer.name, 2 * MIB)
    await clock.advance(10_000)
    expect((await open(peer, ask)).heard).toMatchObject([{ error: { code: 'models.upload-spent' } }])
  })

  it('never lists what its licence does not let it pass on', async () => {
    const closed = {
      ...model.manifest,
      id: 'closed',
      licence: { id: 'own', mayPassOn: false, isGated: false },
    }
    await expect(service.share(closed, await storeWith(model))).rejects.toMatchObject({
      code: 'models.not-passed-on',
    })
    expect(service.shared).toMatchObject([{ held: 4, pieces: 4 }])
  })

  it('tells those who fetch when a model is shared no more', async () => {
    const fetcher = await open()
    service.unshare(hashManifest(model.manifest))
    await wait()
    expect(fetcher.heard.at(-1)).toMatchObject({ type: 'refused', error: { code: 'models.not-seeded' } })
    expect(fetcher.isClosed()).toBe(true)
  })
})
