import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { chainAddress, modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis, tokens } from '../base/units.ts'
import { FREE_PRICE } from '../prompt/free-price.ts'
import { makePeer, signOffer, someOffer, type TestPeer } from '../testing/peers.ts'
import { sign } from '../wire/signed.ts'
import { openOffer, offerBody, paymentOf, TIERS, type Offer } from './offer.ts'

const now = epochMillis(1_800_000_000_000)
const amount = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(baseUnits)
const speed = fc.double({ min: 0, max: 1e6, noNaN: true }).map((value) => (value === 0 ? 0 : value))
const offers = fc.record({
  model: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => modelHash(toHex(bytes))),
  kind: fc.constantFrom('tab' as const, 'node' as const),
  backend: fc.constantFrom('webgpu' as const, 'wasm' as const),
  adapter: fc.stringMatching(/^[ -~]{0,60}$/),
  price: fc.record({ promptPerMillion: amount, outputPerMillion: amount }),
  payment: fc.option(
    fc.record({
      chainId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      escrow: fc
        .uint8Array({ minLength: 20, maxLength: 20 })
        .map((bytes) => chainAddress(`0x${toHex(bytes)}`)),
    }),
    { nil: undefined },
  ),
  contextLength: fc.integer({ min: 0, max: 2 ** 24 }).map(tokens),
  slots: fc.integer({ min: 1, max: 256 }),
  busySlots: fc.integer({ min: 0, max: 65_536 }),
  prefillTokensPerSecond: speed,
  decodeTokensPerSecond: speed,
  selfTest: fc
    .tuple(
      fc.nat(10_000),
      fc.option(fc.nat(Number(now)), { nil: undefined }),
      fc.option(fc.boolean(), { nil: undefined }),
    )
    .map(([total, testedAt, subgroups]) => ({
      right: total,
      total,
      ...(testedAt === undefined ? {} : { testedAt: epochMillis(testedAt) }),
      ...(subgroups === undefined ? {} : { subgroups }),
    })),
  tier: fc.option(fc.constantFrom(...TIERS), { nil: undefined }),
  addresses: fc.array(fc.stringMatching(/^\/[a-z0-9/.]{0,90}$/), { maxLength: 8 }),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
})

describe('an offer on the wire', () => {
  let peer: TestPeer
  beforeAll(async () => {
    peer = await makePeer()
  })
  const open = async (offer: Omit<Offer, 'provider'>): Promise<Offer> =>
    openOffer(await signOffer(peer, offer), now)

  it('comes back as it went', async () => {
    await fc.assert(
      fc.asyncProperty(offers, async ({ payment, tier, ...fields }) => {
        const offer = {
          ...fields,
          task: 'text-generation' as const,
          ...(payment && { payment }),
          ...(tier && { tier }),
          issuedAt: now,
          expiresAt: epochMillis(now + 60_000),
        }
        expect(await open(offer)).toEqual({ ...offer, provider: peer.name })
      }),
      { numRuns: 60 },
    )
  })

  it.each<[string, Record<string, unknown>]>([
    ['an adapter that is no plain line', { adapter: 'a\u202eb' }],
    ['an adapter of a page’s length', { adapter: 'x'.repeat(61) }],
    ['no slot', { slots: 0 }],
    ['half a slot', { slots: 0.5 }],
    ['a speed below zero', { decodeTokensPerSecond: -1 }],
    ['a speed beyond all reason', { prefillTokensPerSecond: 1e7 }],
    ['nine addresses', { addresses: Array.from({ length: 9 }, () => '/x') }],
    ['an address of a page’s length', { addresses: ['x'.repeat(401)] }],
    ['a kind of its own', { kind: 'phone' }],
    ['the sequence number zero', { sequence: 0 }],
    ['a tier of its own', { tier: 'cloud' }],
    ['a field of its own', { note: 'hello' }],
    ['a name of its own', { provider: '12D3KooW' }],
    ['a self-test that failed', { selfTest: { right: 31, total: 32 } }],
    ['more right than there are', { selfTest: { right: 33, total: 32 } }],
    ['a self-test after its signature', { selfTest: { right: 1, total: 1, testedAt: now + 1 } }],
    ['a field of its own in the self-test', { selfTest: { right: 1, total: 1, gpu: 'x' } }],
    ['a payment on no chain', { payment: { chainId: 0, escrow: new Uint8Array(20) } }],
    ['a payment through half an address', { payment: { chainId: 1, escrow: new Uint8Array(10) } }],
    ['a field of its own in the payment', { payment: { chainId: 1, escrow: new Uint8Array(20), to: 1 } }],
    ['a life of an hour', { expiresAt: epochMillis(now + 3_600_000) }],
  ])('is malformed with %s', async (_, changes) => {
    const body = { ...(offerBody(someOffer(now)) as object), ...changes }
    const signed = { provider: peer.name, offer: await sign('offer', body, peer.key) }
    await expect(openOffer(signed, now)).rejects.toMatchObject({ code: 'wire.malformed' })
  })

  it('has expired when its time is over, and when it comes from the future', async () => {
    const expired = someOffer(epochMillis(now - 60_000))
    await expect(open(expired)).rejects.toMatchObject({ code: 'schedule.offer-expired' })
    await expect(open(someOffer(epochMillis(now + 10_001)))).rejects.toMatchObject({
      code: 'schedule.offer-expired',
    })
    expect((await open(someOffer(epochMillis(now + 10_000)))).sequence).toBe(1)
  })

  it('wants the payment that it names, unless its price is nothing', () => {
    const payment = { chainId: 1, escrow: chainAddress(`0x${'e5'.repeat(20)}`) }
    expect(paymentOf(someOffer(now, { payment }))).toEqual(payment)
    expect(paymentOf(someOffer(now))).toBeUndefined()
    expect(paymentOf(someOffer(now, { payment, price: FREE_PRICE }))).toBeUndefined()
  })
})
