import { beforeAll, describe, expect, it } from 'vitest'
import { modelHash } from '../../base/ids.ts'
import { epochMillis } from '../../base/units.ts'
import { makePeer, someModel, type TestPeer } from '../../testing/peers.ts'
import { encode } from '../../wire/codec.ts'
import { sign } from '../../wire/signed.ts'
import { MAX_DEMAND_BYTES, MAX_DEMAND_MODELS } from './constants.ts'
import { openDemand, sealDemand, type RecordedDemand } from './demand-record.ts'
import { mergeDemand } from './merge-demand.ts'

const now = epochMillis(1_800_000_000_000)
const [A, B, C] = [someModel('a'), someModel('b'), someModel('c')]
const demand = (model: RecordedDemand['model'], quarter: number, day = quarter, loaded = 1) => ({
  ...{ model, quarter, day, loaded },
})

describe('a relay’s record of what is wanted', () => {
  let relay: TestPeer
  beforeAll(async () => {
    relay = await makePeer()
  })
  const read = (bytes: Uint8Array, at = now) => openDemand(bytes, { relay: relay.name, now: at })

  it('comes back as it went, to a thousandth', async () => {
    const said = [demand(A, 12.5, 100.001, 7), demand(B, 0, 3, 0)]
    expect(await read(await sealDemand(said, { key: relay.key, now }))).toEqual(said)
  })

  it('is never larger than what carries it, and holds the first models', async () => {
    const many = Array.from({ length: 40 }, (_, i) =>
      demand(modelHash(i.toString(16).padStart(64, 'f')), 4_000_000, 4_000_000, 16_000_000),
    )
    const bytes = await sealDemand(many, { key: relay.key, now })
    expect(bytes.length).toBeLessThanOrEqual(MAX_DEMAND_BYTES)
    expect(await read(bytes)).toEqual(many.slice(0, MAX_DEMAND_MODELS))
  })

  it('is refused from another key, when it is old, from the future, or names a model twice', async () => {
    const other = await sealDemand([demand(A, 1)], { key: (await makePeer()).key, now })
    await expect(read(other)).rejects.toMatchObject({ code: 'wire.bad-signature' })
    const good = await sealDemand([demand(A, 1)], { key: relay.key, now })
    await expect(read(good, epochMillis(now + 600_001))).rejects.toMatchObject({
      facts: { field: 'issuedAt' },
    })
    await expect(read(good, epochMillis(now - 10_001))).rejects.toMatchObject({
      facts: { field: 'issuedAt' },
    })
    const twice = await sealDemand([demand(A, 1), demand(A, 2)], { key: relay.key, now })
    await expect(read(twice)).rejects.toMatchObject({ facts: { field: 'models' } })
    const body = { issuedAt: now, models: [[new Uint8Array(32), -1, 0, 0]] }
    await expect(read(encode(await sign('demand', body, relay.key)))).rejects.toMatchObject({
      code: 'wire.malformed',
    })
    await expect(read(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'wire.malformed' })
  })
})

describe('what several relays say', () => {
  it('is of each its shares, now and over a day alike', () => {
    expect(mergeDemand([[demand(A, 3, 1), demand(B, 1, 1)]])).toEqual([
      { model: A, share: 0.625, loaded: 1 },
      { model: B, share: 0.375, loaded: 1 },
    ])
    expect(mergeDemand([[demand(A, 0, 5), demand(B, 0, 15)]])[0]).toMatchObject({ model: B, share: 0.75 })
    expect(mergeDemand([[demand(A, 0, 0)], []])).toEqual([])
  })

  it('moves by its part of the whole where one of them lies, however much it makes up', () => {
    const honest = [demand(A, 3), demand(B, 1)]
    const liar = [demand(C, 1e6, 1e6, 1e6), demand(A, 1, 1, 1e6)]
    const merged = mergeDemand([honest, honest, honest, liar])
    expect(merged.find(({ model }) => model === C)?.share).toBeCloseTo(0.25)
    expect(merged[0]).toMatchObject({ model: A, loaded: 1 })
  })
})
