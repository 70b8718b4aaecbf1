import { sha256 } from '@noble/hashes/sha2.js'
import { beforeEach, describe, expect, it } from 'vitest'
import { millis } from '../base/units.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { pricePerToken } from '../testing/prices.ts'
import { realClock } from '../testing/real-clock.ts'
import { connectedStreams, countingRandom, makePeer, someModel, type TestPeer } from '../testing/peers.ts'
import {
  MAX_LOAD_MS,
  MAX_OPEN_QUOTES,
  MAX_QUOTES_PER_CONSUMER,
  QUOTE_LIFE_MS,
  QUOTE_RATE_NEW,
  QUOTE_RATE_OTHERS,
} from './constants.ts'
import { QuoteDesk, type StandingTerms } from './quote-desk.ts'
import { createQuoteHandler } from './quote-service.ts'
import { openQuote } from './quote.ts'
import { requestQuote } from './request-quote.ts'

const terms: StandingTerms = {
  price: pricePerToken(1n, 10n),
  queueMs: millis(0),
  prefillTokensPerSecond: 500,
  decodeTokensPerSecond: 50,
  contextLength: 1024,
  isDraining: false,
}

describe('QuoteDesk', () => {
  let clock: FakeClock
  let provider: TestPeer
  let consumer: TestPeer
  let desk: QuoteDesk
  const request = { type: 'quote', model: someModel(), promptTokens: 10, maxTokens: 100 } as const

  beforeEach(async () => {
    clock = new FakeClock()
    provider = await makePeer()
    consumer = await makePeer()
    desk = deskOf(terms)
  })

  const deskOf = (standing: StandingTerms): QuoteDesk =>
    new QuoteDesk({
      key: provider.key,
      clock,
      random: countingRandom(),
      termsOf: (model) => (model === someModel() ? standing : undefined),
    })

  const quote = async () =>
    openQuote(await desk.quote(consumer.name, request), { provider: provider.name, consumer: consumer.name })

  it('signs a quote that holds the hash of the nonce it will reveal', async () => {
    const { quoteId, nonceHash, price } = await quote()
    expect(price).toEqual(terms.price)
    expect(sha256(desk.redeem(consumer.name, quoteId).nonce)).toEqual(nonceHash)
  })

  it.each([
    ['nothing', undefined, undefined],
    ['whole milliseconds', 1234.6, 1235],
    ['a moment', 0.2, 1],
    ['the longest there is', MAX_LOAD_MS, MAX_LOAD_MS],
  ])('says how long a model takes to load: %s', async (_, loadMs, said) => {
    desk = deskOf({ ...terms, ...(loadMs === undefined ? {} : { loadMs: millis(loadMs) }) })
    expect((await quote()).loadMs).toBe(said)
  })

  it('gives no quote for a model that could not be loaded in time', async () => {
    desk = deskOf({ ...terms, loadMs: millis(MAX_LOAD_MS + 1) })
    await expect(quote()).rejects.toMatchObject({ code: 'stream.busy' })
  })

  it('redeems a quote once', async () => {
    const { quoteId } = await quote()
    desk.redeem(consumer.name, quoteId)
    expect(() => desk.redeem(consumer.name, quoteId)).toThrowError(
      expect.objectContaining({ code: 'prompt.quote-unknown' }),
    )
  })

  it('redeems a quote for nobody else', async () => {
    const { quoteId } = await quote()
    const thief = await makePeer()
    expect(() => desk.redeem(thief.name, quoteId)).toThrowError(
      expect.objectContaining({ code: 'prompt.quote-unknown' }),
    )
  })

  it('does not redeem an expired quote', async () => {
    const { quoteId } = await quote()
    await clock.advance(QUOTE_LIFE_MS)
    expect(() => desk.redeem(consumer.name, quoteId)).toThrowError(
      expect.objectContaining({ code: 'prompt.quote-expired' }),
    )
  })

  it('lets a consumer hold a few quotes, no more, until they expire', async () => {
    for (let i = 0; i < MAX_QUOTES_PER_CONSUMER; i++) await quote()
    await expect(quote()).rejects.toMatchObject({ code: 'prompt.quote-limit' })
    await clock.advance(QUOTE_LIFE_MS)
    await expect(quote()).resolves.toBeDefined()
  })

  it('refuses a peer that asks without end, whatever it does with the quotes', async () => {
    const asked = []
    for (let i = 0; i < 100; i++)
      asked.push(
        await quote().then(
          ({ quoteId }) => desk.redeem(consumer.name, quoteId),
          (e: unknown) => e,
        ),
      )
    expect(asked.filter((result) => result instanceof Error).length).toBeGreaterThan(70)
    expect(desk.openQuotes).toBe(0)
  })

  const nameOf = (i: number): TestPeer['name'] => `peer${i}` as TestPeer['name']

  it('stays bounded when every question comes from a new name', async () => {
    for (let i = 0; i < 600; i++) await desk.quote(nameOf(i), request).catch(() => undefined)
    expect(desk.openQuotes).toBeLessThanOrEqual(QUOTE_RATE_NEW.burst + QUOTE_RATE_OTHERS.burst)
  })

  /** All ask as often as they may, in each tenth of a second, for so long. */
  const hoard = async (names: number, seconds: number, meanwhile: () => Promise<void>): Promise<void> => {
    for (let tenth = 0; tenth < 10 * seconds; tenth++) {
      for (let i = 0; i < names; i++) await desk.quote(nameOf(i), request).catch(() => undefined)
      if (tenth % 10 === 9) await meanwhile()
      await clock.advance(100)
    }
  }

  it('refuses nobody who is new, or whose jobs are served, beside 140 names that only hold quotes', async () => {
    let next = 1000
    await hoard(140, 15, async () => {
      await expect(desk.quote(nameOf(next++), request)).resolves.toBeDefined()
      const { quoteId } = await quote()
      desk.redeem(consumer.name, quoteId)
      desk.wasUsed(consumer.name)
    })
  })

  it('never fills its places with what its rates allow', async () => {
    let refused = 0
    await hoard(1200, 8, async () => {
      expect(desk.openQuotes).toBeLessThan(MAX_OPEN_QUOTES)
      await quote().catch(() => refused++)
    })
    expect(refused, 'it takes some 500 names to take the share of the new ones').toBeGreaterThan(0)
  })

  it('holds a refused question against nobody', async () => {
    await Promise.allSettled(Array.from({ length: 500 }, (_, i) => desk.quote(nameOf(i), request)))
    await expect(quote()).rejects.toMatchObject({ code: 'prompt.quote-limit' })
    await expect(quote()).rejects.toMatchObject({ code: 'prompt.quote-limit' })
    await clock.advance(100)
    await Promise.allSettled(Array.from({ length: 10 }, () => desk.quote(nameOf(0), request)))
    await expect(quote()).resolves.toBeDefined()
  })

  it('names why it does not quote', async () => {
    const ask = (changes: object) => desk.quote(consumer.name, { ...request, ...changes })
    await expect(ask({ model: someModel('b') })).rejects.toMatchObject({ code: 'models.unknown' })
    await expect(ask({ promptTokens: 1024 })).rejects.toMatchObject({ code: 'prompt.too-long' })
  })

  it('answers over a stream, and refuses there by name', async () => {
    const live = new QuoteDesk({
      key: provider.key,
      clock: realClock,
      random: countingRandom(),
      termsOf: (model) => (model === someModel() ? terms : undefined),
    })
    const ask = async (model = someModel()) => {
      const { ours, theirs, connection } = await connectedStreams(consumer)
      void createQuoteHandler({ clock: realClock, desk: live })(theirs, connection)
      return requestQuote(
        ours,
        { model, promptTokens: 10, maxTokens: 10 },
        { clock: realClock, provider: provider.name, consumer: consumer.name },
      )
    }
    expect((await ask()).quote.price).toEqual(terms.price)
    await expect(ask(someModel('b'))).rejects.toMatchObject({ code: 'models.unknown' })
  })

  it('is refused by the consumer when another key signed it', async () => {
    const signed = await desk.quote(consumer.name, request)
    const other = await makePeer()
    await expect(openQuote(signed, { provider: other.name, consumer: consumer.name })).rejects.toMatchObject({
      code: 'wire.bad-signature',
    })
  })
})
