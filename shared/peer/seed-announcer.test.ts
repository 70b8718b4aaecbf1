import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MIB } from '../base/units.ts'
import { hashManifest } from '../models/manifest.ts'
import { ExchangeLedger } from '../models/pieces/exchange-ledger.ts'
import { PiecesService } from '../models/pieces/pieces-service.ts'
import { SEEDS_CHANGE_MS, SEEDS_RENEW_MS } from '../schedule/seeds/constants.ts'
import { openSeeds, type SeedRecord } from '../schedule/seeds/seed-record.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { countingRandom, makePeer } from '../testing/peers.ts'
import { makeModel, storeWith, type TestModel } from '../testing/pieces.ts'
import { SeedAnnouncer } from './seed-announcer.ts'

describe('SeedAnnouncer', () => {
  let clock: FakeClock
  let model: TestModel
  let service: PiecesService
  let announcer: SeedAnnouncer
  let told: SeedRecord[]
  let addresses: string[]
  let isRefused: boolean
  let refusals: number
  let relaysChange: () => void

  beforeEach(async () => {
    clock = new FakeClock()
    model = await makeModel({ 'onnx/model.onnx': 3.5 * MIB })
    const random = countingRandom()
    service = new PiecesService({ clock, random, ledger: new ExchangeLedger(clock) })
    const { name, key } = await makePeer()
    told = []
    addresses = ['/ip4/127.0.0.1/tcp/1/ws']
    isRefused = false
    refusals = 0
    const port = {
      announce: async (seeds: Parameters<typeof openSeeds>[0]['seeds']) => {
        if (isRefused) {
          refusals++
          throw new Error('this relay knows nothing of seeds')
        }
        told.push(await openSeeds({ peer: name, seeds }, clock.now()))
      },
      find: () => Promise.resolve([]),
    }
    const registers = {
      ports: [port],
      onChange: (callback: () => void) => {
        relaysChange = callback
        return () => undefined
      },
    }
    announcer = new SeedAnnouncer({ key, clock, random, registers, service, addresses: () => addresses })
  })
  afterEach(() => announcer.stop())

  const share = async (pieces?: readonly number[]) =>
    service.share(model.manifest, await storeWith(model, pieces))
  /** Signing takes real time: waits until so many records came, without moving the clock. */
  const heard = async (count: number): Promise<void> => {
    for (let i = 0; i < 1000 && told.length < count; i++) await clock.advance(0)
    await clock.advance(0)
    expect(told).toHaveLength(count)
  }
  const held = (): (number | undefined)[] => told.map(({ models }) => models[0]?.held)

  it('tells what is seeded at once, renews it, and takes it back at the end', async () => {
    await clock.advance(SEEDS_RENEW_MS)
    expect(told).toEqual([])
    await share()
    await heard(1)
    expect(told).toMatchObject([{ models: [{ held: 4, pieces: 4 }], addresses }])
    await clock.advance(0.8 * SEEDS_RENEW_MS)
    expect(told).toHaveLength(1)
    await clock.advance(0.4 * SEEDS_RENEW_MS)
    await heard(2)
    await announcer.stop()
    expect(told.map(({ models }) => models.length)).toEqual([1, 1, 0])
    const sequences = told.map(({ sequence }) => sequence)
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b))
  })

  it('says nothing of a model that it has nothing of, and takes back what is seeded no more', async () => {
    const hash = await share([])
    await clock.advance(10)
    expect(told).toEqual([])
    service.noteHeld(hash, 2)
    await heard(1)
    expect(held()).toEqual([1])
    service.unshare(hash)
    await heard(2)
    expect(told.at(-1)?.models).toEqual([])
  })

  it('tells growth now and then, and the whole at once', async () => {
    const hash = await share([0])
    await heard(1)
    service.noteHeld(hash, 1)
    service.noteHeld(hash, 2)
    await clock.advance(SEEDS_CHANGE_MS / 2)
    expect(held()).toEqual([1])
    await clock.advance(SEEDS_CHANGE_MS)
    await heard(2)
    expect(held()).toEqual([1, 3])
    service.noteHeld(hash, 3)
    await heard(3)
    expect(held()).toEqual([1, 3, 4])
  })

  it('waits for an address, tells a new relay at once, and tries again where none takes it', async () => {
    addresses = []
    await share()
    await clock.advance(5000)
    expect(told).toEqual([])
    addresses = ['/ip4/127.0.0.1/tcp/2/ws']
    await clock.advance(5000)
    await heard(1)
    relaysChange()
    await heard(2)
    isRefused = true
    relaysChange()
    for (let i = 0; i < 1000 && refusals === 0; i++) await clock.advance(0)
    isRefused = false
    await clock.advance(30_000)
    await heard(3)
    expect(told[2]?.models[0]?.model).toBe(hashManifest(model.manifest))
  })
})
