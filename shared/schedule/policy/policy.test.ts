import { describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '../../base/ids.ts'
import { baseUnits, epochMillis, millis } from '../../base/units.ts'
import { seededRandom } from '../../testing/chance.ts'
import { countingRandom, makePeer, someOffer } from '../../testing/peers.ts'
import type { Offer } from '../offer.ts'
import { drawCandidates } from './draw-candidates.ts'
import { listingScore, rankOffers } from './rank-offers.ts'
import { credible, CREDIBLE_TOKENS_PER_SECOND, meritOf, predict, trustOf, utilityOf } from './score.ts'
import { CERTAIN, type Beliefs } from './trust.ts'

const now = epochMillis(1_800_000_000_000)
const someone = peerName('12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK')
const offer = (changes: Partial<Offer> = {}, provider: PeerName = someone): Offer => ({
  ...someOffer(now),
  ...{ provider, slots: 4, busySlots: 0, decodeTokensPerSecond: 50 },
  ...changes,
})
const unseen = { speedSeenOf: () => 0 }
const full = { ...unseen, drawBeliefs: () => CERTAIN }
/** Words of 32 bits: 2^32 times each share, then zeros. */
const at = (...shares: readonly number[]) => ({
  bytes: (length: number): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(length)
    const view = new DataView(bytes.buffer)
    for (const [i, share] of shares.entries()) view.setUint32(4 * i, Math.floor(share * 2 ** 32))
    return bytes
  },
})

describe('the merit of an offer', () => {
  it('is its free speed, and a tenth of it when no place is free', () => {
    expect(meritOf(offer())).toBe(50)
    expect(meritOf(offer({ busySlots: 2 }))).toBe(25)
    expect(meritOf(offer({ busySlots: 4 }))).toBe(5)
    expect(meritOf(offer({ busySlots: 40 }))).toBe(5)
    expect(meritOf(offer({ decodeTokensPerSecond: 0 }))).toBe(1)
  })

  it.each([
    [undefined, 50],
    ['disk', 7.29],
    ['part', 2.05],
    ['swarm', 1.38],
    ['origin', 1.04],
  ] as const)('counts the loading of a model that is %s', (tier, merit) => {
    expect(meritOf(offer(tier ? { tier } : {}))).toBeCloseTo(merit, 2)
  })

  it('is higher for a slow one that is loaded than for a fast one that is far, and not than for one on disk', () => {
    const slow = meritOf(offer({ decodeTokensPerSecond: 5 }))
    expect(slow).toBeGreaterThan(meritOf(offer({ tier: 'part' })))
    expect(slow).toBeLessThan(meritOf(offer({ tier: 'disk' })))
  })

  it('falls with the fourth power of doubt in an answer and in presence, and less with other doubts', () => {
    const believed = (changes: Partial<Beliefs>) => meritOf(offer(), { ...CERTAIN, ...changes })
    expect(believed({ integrity: 0.5 })).toBe(50 / 16)
    expect(believed({ presence: 0.5 })).toBe(50 / 16)
    expect(believed({ availability: 0.5 })).toBe(50 / 4)
    expect(believed({ quotes: 0.5 })).toBe(50 / 2)
    expect(believed({ integrity: 0 })).toBe(0)
  })
})

describe('a draw of candidates', () => {
  it('draws each offer once, and no more than there are', async () => {
    const offers = await Promise.all(
      Array.from({ length: 5 }, async () => offer({}, (await makePeer()).name)),
    )
    const drawn = drawCandidates(offers, 8, { random: countingRandom(), trust: full })
    expect(new Set(drawn)).toEqual(new Set(offers))
    expect(drawCandidates(offers, 2, { random: countingRandom(), trust: full })).toHaveLength(2)
    expect(drawCandidates([], 2, { random: countingRandom(), trust: full })).toEqual([])
  })

  it('meets a newcomer without merit in one draw of forty, beside one with all of it', () => {
    const [good, distrusted] = [offer(), offer({ provider: peerName(`${someone.slice(0, -1)}L`) })]
    const trust = {
      ...unseen,
      drawBeliefs: (name: PeerName) => (name === someone ? CERTAIN : { ...CERTAIN, integrity: 0 }),
    }
    const first = (share: number) =>
      drawCandidates([good, distrusted], 1, { random: at(share), trust })[0]?.provider
    expect(first(0.97)).toBe(someone)
    expect(first(0.98)).toBe(distrusted.provider)
  })

  it('is even among those that are all distrusted', () => {
    const offers = [offer(), offer({ provider: peerName(`${someone.slice(0, -1)}L`) })]
    const trust = { ...unseen, drawBeliefs: () => ({ ...CERTAIN, integrity: 0 }) }
    expect(drawCandidates(offers, 1, { random: at(0.49), trust })[0]).toBe(offers[0])
    expect(drawCandidates(offers, 1, { random: at(0.51), trust })[0]).toBe(offers[1])
  })
})

it('gives each relay that named offers its turn, whatever the others claim', async () => {
  const [honest, liar] = [await makePeer(), await makePeer()]
  const liars = await Promise.all(
    Array.from({ length: 32 }, async () => offer({ decodeTokensPerSecond: 1e6 }, (await makePeer()).name)),
  )
  const good = await Promise.all(Array.from({ length: 3 }, async () => offer({}, (await makePeer()).name)))
  const namedBy = (each: Offer) => (good.includes(each) ? [honest.name] : [liar.name])
  for (let start = 1; start < 60; start += 3) {
    const drawn = drawCandidates([...liars, ...good], 4, {
      random: countingRandom(start),
      trust: full,
      namedBy,
    })
    expect(drawn.filter((each) => good.includes(each))).toHaveLength(2)
  }
  const all = drawCandidates([...liars, ...good], 99, { random: countingRandom(), trust: full, namedBy })
  expect(new Set(all)).toEqual(new Set([...liars, ...good]))
})

it('draws what is believed once for each offer of a question, with the chance that is injected', () => {
  const asked: PeerName[] = []
  const trust = {
    ...unseen,
    drawBeliefs: (name: PeerName, even: () => number) => {
      asked.push(name)
      return { ...CERTAIN, integrity: even() }
    },
  }
  const other = peerName(`${someone.slice(0, -1)}L`)
  const offers = [offer(), offer({ provider: other })]
  expect(drawCandidates(offers, 2, { random: at(0.01, 0.99, 0.5), trust })[0]?.provider).toBe(other)
  expect(asked).toEqual([someone, other])
})

it('counts a claimed speed up to what is credible, or to what was seen of its owner', async () => {
  const [boaster, honest] = [offer({ decodeTokensPerSecond: 1e6 }), offer({}, (await makePeer()).name)]
  const firsts = (seen: number) => {
    const trust = { ...full, speedSeenOf: (name: PeerName) => (name === someone ? seen : 0) }
    const drawn = Array.from({ length: 400 }, (_, seed) =>
      drawCandidates([boaster, honest], 1, { random: seededRandom(seed), trust }),
    )
    return drawn.filter(([first]) => first === boaster).length / drawn.length
  }
  expect(firsts(0)).toBeCloseTo(0.5, 1)
  expect(firsts(450)).toBeGreaterThan(0.8)
  const predicted = { ttftMs: millis(1), totalMs: millis(1) }
  const told = { decodeTokensPerSecond: 1e6, maxTokens: 512, presence: 1 }
  expect(credible(predicted, { ...told, seen: 0 })).toEqual({ ttftMs: 100, totalMs: 2660 })
  expect(credible(predicted, { ...told, seen: 640 })).toEqual({ ttftMs: 100, totalMs: 300 })
  expect(credible(predicted, { ...told, seen: 0, presence: 0.5 })).toEqual({ ttftMs: 2600, totalMs: 5160 })
  expect(
    credible({ ...predicted, ttftMs: millis(700) }, { ...told, decodeTokensPerSecond: 20, seen: 640 }),
  ).toEqual({
    ...{ ttftMs: 700, totalMs: 7100 },
  })
})

it('trusts a quote as far as all else goes well, and an answer less than a stranger’s where it is worse', () => {
  expect(trustOf(CERTAIN)).toBe(1)
  expect(trustOf({ integrity: 0.5, availability: 0.5, quotes: 0.5, presence: 0.5 })).toBe(1 / 8)
  expect(trustOf({ ...CERTAIN, integrity: 0.1 })).toBe(0.2)
})

describe('the order of a relay', () => {
  it('puts free speed first, then the lower price', () => {
    const priced = (output: bigint): Offer =>
      offer({ price: { promptPerMillion: baseUnits(0n), outputPerMillion: baseUnits(output) } })
    const [best, dear] = [priced(10n ** 18n), priced(3n * 10n ** 18n)]
    const busy = { ...best, busySlots: 4 }
    const slow = { ...best, decodeTokensPerSecond: 20 }
    const order = rankOffers([busy, slow, dear, best], listingScore, countingRandom())
    expect(order).toEqual([best, dear, slow, busy])
  })

  it('counts a claimed speed up to what is credible, and leaves the order of the rest to chance', () => {
    const honest = offer({ decodeTokensPerSecond: CREDIBLE_TOKENS_PER_SECOND })
    const boasters = Array.from({ length: 9 }, () => offer({ decodeTokensPerSecond: 1e6 }))
    const firsts = Array.from({ length: 100 }, (_, seed) => {
      const random = seededRandom(seed)
      return rankOffers([...boasters, honest], listingScore, random)[0]
    })
    const first = firsts.filter((each) => each === honest).length
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(50)
  })
})

describe('a prediction', () => {
  const quote = {
    ...{ queueMs: millis(100), prefillTokensPerSecond: 1000, decodeTokensPerSecond: 50 },
    price: { promptPerMillion: baseUnits(0n), outputPerMillion: baseUnits(0n) },
  } as Parameters<typeof predict>[0]

  it('adds round trip, queue, prefill and decode', () => {
    const terms = { rttMs: millis(40), prefillTokens: 500, maxTokens: 25 }
    expect(predict(quote, terms)).toEqual({ ttftMs: 640, totalMs: 1140 })
  })

  it('adds the time to load', () => {
    const terms = { rttMs: millis(40), prefillTokens: 500, maxTokens: 25 }
    expect(predict({ ...quote, loadMs: millis(20_000) }, terms)).toEqual({ ttftMs: 20_640, totalMs: 21_140 })
  })

  it('takes a slow provider that is ready before a fast one that loads for 20 s, and after one that loads for 2 s', () => {
    const terms = { rttMs: millis(40), prefillTokens: 100, maxTokens: 128 }
    const plain = { slowness: 1, trust: 1 }
    const worth = (speed: number, loadMs?: number) => {
      const said = { ...quote, decodeTokensPerSecond: speed, ...(loadMs && { loadMs: millis(loadMs) }) }
      return utilityOf(predict(said, terms), said, plain)
    }
    expect(worth(8)).toBeGreaterThan(worth(60, 20_000))
    expect(worth(8)).toBeLessThan(worth(60, 2000))
    expect(worth(60), 'ready and fast is best').toBeGreaterThan(worth(60, 2000))
  })

  it('reckons with an answer of ordinary length, and with one token a second where a quote says none', () => {
    const terms = { rttMs: millis(0), prefillTokens: 2, maxTokens: 512 }
    const still = { ...quote, prefillTokensPerSecond: 0, decodeTokensPerSecond: 0 }
    expect(predict(still, terms)).toEqual({ ttftMs: 2100, totalMs: 130_100 })
  })

  it('is worth less when it is slow, dear, or comes from somebody who is trusted less', () => {
    const quick = { ttftMs: millis(500), totalMs: millis(2000) }
    const plain = { slowness: 1, trust: 1 }
    const best = utilityOf(quick, quote, plain)
    const dear = { price: { ...quote.price, outputPerMillion: baseUnits(10n ** 18n) } }
    expect(utilityOf({ ...quick, ttftMs: millis(900) }, quote, plain)).toBeLessThan(best)
    expect(utilityOf(quick, dear, plain)).toBeLessThan(best)
    expect(utilityOf(quick, quote, { slowness: 2, trust: 1 })).toBeLessThan(best)
    expect(utilityOf(quick, quote, { slowness: 1, trust: 0.5 })).toBeLessThan(best)
    expect(utilityOf(quick, quote, { slowness: 1, trust: 0 })).toBeGreaterThan(-Infinity)
  })
})
