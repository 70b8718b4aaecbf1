import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { jobId, modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis, millis } from '../base/units.ts'
import { makePeer, type TestPeer } from '../testing/peers.ts'
import { sign } from '../wire/signed.ts'
import { MAX_LOAD_MS, QUOTE_LIFE_MS } from './constants.ts'
import type { Quote } from './prompt.ts'
import { openQuote, quoteBody } from './quote.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const amount = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(baseUnits)
const speed = fc.nat(1_000_000)
const fields = fc.record({
  quoteId: bytes(16).map((id) => jobId(toHex(id))),
  model: bytes(32).map((hash) => modelHash(toHex(hash))),
  price: fc.record({ promptPerMillion: amount, outputPerMillion: amount }),
  queueMs: fc.nat(86_400_000).map(millis),
  loadMs: fc.option(fc.integer({ min: 1, max: MAX_LOAD_MS }).map(millis), { nil: undefined }),
  prefillTokensPerSecond: speed,
  decodeTokensPerSecond: speed,
  nonceHash: bytes(32),
  issuedAt: fc.nat(2 ** 40).map(epochMillis),
})

describe('a quote on the wire', () => {
  let provider: TestPeer
  let consumer: TestPeer
  beforeAll(async () => {
    provider = await makePeer()
    consumer = await makePeer()
  })
  const quoteOf = (changes: Partial<Quote> = {}): Quote => ({
    ...fc.sample(fields, { numRuns: 1, seed: 1 })[0]!,
    consumer: consumer.name,
    issuedAt: epochMillis(1000),
    expiresAt: epochMillis(1000 + QUOTE_LIFE_MS),
    ...changes,
  })
  const open = async (
    quote: Quote,
    who = { provider: provider.name, consumer: consumer.name },
  ): Promise<Quote> => openQuote(await sign('quote', quoteBody(quote), provider.key), who)

  it('comes back as it went', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (given) => {
        const expiresAt = epochMillis(given.issuedAt + QUOTE_LIFE_MS)
        const quote = { ...given, consumer: consumer.name, expiresAt }
        const opened = await open(quote)
        expect(opened).toEqual(quote)
        expect('loadMs' in opened, 'said only where it must be loaded').toBe(given.loadMs !== undefined)
      }),
      { numRuns: 60 },
    )
  })

  it('is for one consumer, of one provider, and for ten seconds', async () => {
    const other = await makePeer()
    await expect(open(quoteOf({ consumer: other.name }))).rejects.toMatchObject({
      facts: { field: 'consumer' },
    })
    await expect(open(quoteOf(), { provider: other.name, consumer: consumer.name })).rejects.toMatchObject({
      code: 'wire.bad-signature',
    })
    const long = quoteOf({ expiresAt: epochMillis(1001 + QUOTE_LIFE_MS) })
    await expect(open(long)).rejects.toMatchObject({ code: 'wire.malformed', facts: { field: 'expiresAt' } })
  })
})
