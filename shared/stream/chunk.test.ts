import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import { jobId } from '../base/ids.ts'
import { tokens } from '../base/units.ts'
import { makePeer, type TestPeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import { SKETCH_SIZE } from '../engine/score/sketch.ts'
import { decode } from '../wire/codec.ts'
import { sign, type Signed } from '../wire/signed.ts'
import { ChunkSigner, ChunkVerifier, type ChainTerms } from './chunk.ts'
import { CHUNK_TOKENS } from './constants.ts'
import { AGREED_PARTS, firstLink, hashAgreed, type Agreed } from './first-link.ts'
import { chunkSchema } from './messages.ts'
import { sketchRoot } from './sketch-tree.ts'

const batches = fc.array(fc.array(fc.nat(2 ** 20 - 1), { minLength: 1, maxLength: 70 }), {
  minLength: 1,
  maxLength: 6,
})

describe('the chain of chunks', () => {
  let provider: TestPeer
  beforeAll(async () => {
    provider = await makePeer()
  })
  const termsOf = (changes: Partial<ChainTerms> = {}): ChainTerms => ({
    jobId: jobId('ab'.repeat(16)),
    price: pricePerToken(3n, 20n),
    prefillTokens: tokens(9),
    from: 0,
    ...changes,
  })
  const agreed: Agreed = {
    ...{ quote: Uint8Array.of(1, 2, 3), question: Uint8Array.of(4, 5) },
    ...{ credit: new Uint8Array(), accepted: Uint8Array.of(6) },
  }
  const verifierOf = (terms: ChainTerms): ChunkVerifier => {
    const verifier = new ChunkVerifier(terms, provider.name)
    verifier.begin(hashAgreed(agreed))
    return verifier
  }
  const signAll = async (
    terms: ChainTerms,
    parts: readonly (readonly number[])[],
    changes: Partial<Agreed> = {},
  ): Promise<Signed[]> => {
    const signer = new ChunkSigner(terms, hashAgreed({ ...agreed, ...changes }), provider.key)
    const chunks: Signed[] = []
    for (const part of parts) chunks.push(...(await signer.add(part)))
    return [...chunks, ...(await signer.finish())]
  }

  it('covers every token once, in blocks of 32, and adds up to what is owed, however they came', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.nat(5000), async (parts, from) => {
        const terms = termsOf({ from })
        const written = parts.flat()
        const verifier = verifierOf(terms)
        verifier.streamed(written)
        const accepted = []
        for (const signed of await signAll(terms, parts)) accepted.push(await verifier.accept(signed))
        expect(accepted.flatMap((chunk) => chunk.tokens)).toEqual(written)
        expect(accepted.slice(1, -1).every((chunk) => chunk.tokens.length === CHUNK_TOKENS)).toBe(true)
        expect(accepted.map(({ index }) => index)).toEqual(accepted.map((_, i) => i))
        expect(verifier.signedTokens).toBe(written.length)
        expect(verifier.due).toBe(27n + 20n * BigInt(written.length))
      }),
      { numRuns: 25 },
    )
  })

  it('commits to the sketches of its tokens where it has a secret, and only with sketches of all of them', async () => {
    const secret = new Uint8Array(32).fill(7)
    const sketches = Uint16Array.from({ length: 40 * SKETCH_SIZE }, (_, i) => i)
    const written = Array.from({ length: 40 }, (_, i) => 100 + i)
    const sign = async (init: { secret?: Uint8Array; sketches?: Uint16Array }) => {
      const signer = new ChunkSigner(termsOf({ from: 3 }), hashAgreed(agreed), provider.key, init.secret)
      const half = init.sketches?.subarray(0, 20 * SKETCH_SIZE)
      const first = await signer.add(written.slice(0, 20), half)
      const rest = await signer.add(written.slice(20), init.sketches?.subarray(20 * SKETCH_SIZE))
      const chunks = [...first, ...rest, ...(await signer.finish())]
      const verifier = verifierOf(termsOf({ from: 3 }))
      verifier.streamed(written)
      const accepted = []
      for (const chunk of chunks) accepted.push(await verifier.accept(chunk))
      return { roots: accepted.map(({ root }) => root), committed: signer.committed }
    }
    const { roots, committed } = await sign({ secret, sketches })
    expect(roots).toEqual([
      undefined,
      sketchRoot(secret, sketches.slice(0, 32 * SKETCH_SIZE), 3),
      sketchRoot(secret, sketches.slice(32 * SKETCH_SIZE), 35),
    ])
    expect(committed).toEqual({ link: firstLink(termsOf().jobId, hashAgreed(agreed)), sketches })
    expect((await sign({ sketches })).roots).toEqual([undefined, undefined, undefined])
    expect((await sign({ secret })).roots).toEqual([undefined, undefined, undefined])
    const short = sketches.subarray(0, 25 * SKETCH_SIZE)
    expect((await sign({ secret, sketches: short })).roots).toEqual([undefined, undefined, undefined])
  })

  it('is read by a consumer of today from a provider that commits to nothing, and prefill commits to nothing', async () => {
    const verifier = verifierOf(termsOf())
    const [prefill] = await signAll(termsOf(), [])
    expect(prefill).toBeUndefined()
    const [first] = await signAll(termsOf(), [[5]])
    const body = decode(chunkSchema, first!.body)
    const plain = { ...body, jobId: fromHex(body.jobId), due: amountToBytes(body.due) }
    const forged = await sign('chunk', { ...plain, root: new Uint8Array(32) }, provider.key)
    await expect(verifier.accept(forged)).rejects.toMatchObject({
      code: 'stream.bad-chunk',
      facts: { reason: 'root' },
    })
    expect(await verifier.accept(first!)).toMatchObject({ root: undefined })
  })

  it.each<[string, Partial<ChainTerms>, string]>([
    ['another job', { jobId: jobId('cd'.repeat(16)) }, 'stream.bad-chunk'],
    ['another price', { price: pricePerToken(4n, 20n) }, 'stream.bad-chunk'],
    ['another position', { from: 1 }, 'stream.bad-chunk'],
    ['a longer prompt', { prefillTokens: tokens(10) }, 'stream.bad-chunk'],
  ])('does not pass for %s', async (_, changes, code) => {
    const [first] = await signAll(termsOf(changes), [[5]])
    const verifier = verifierOf(termsOf())
    verifier.streamed([5])
    await expect(first && verifier.accept(first)).rejects.toMatchObject({ code })
    expect(verifier.due).toBe(0n)
  })

  it.each(AGREED_PARTS)('does not pass for another %s', async (part) => {
    const [first] = await signAll(termsOf(), [[5]], { [part]: Uint8Array.of(9) })
    const verifier = verifierOf(termsOf())
    verifier.streamed([5])
    const bad = { code: 'stream.bad-chunk', facts: { reason: 'chain' } }
    await expect(first && verifier.accept(first)).rejects.toMatchObject(bad)
  })

  it('takes nothing before the job was taken', async () => {
    const [first] = await signAll(termsOf(), [[5]])
    const verifier = new ChunkVerifier(termsOf(), provider.name)
    await expect(first && verifier.accept(first)).rejects.toMatchObject({ code: 'stream.bad-chunk' })
    expect(verifier).toMatchObject({ due: 0n, signed: [], head: new Uint8Array() })
  })

  it('takes no chunk twice, out of order, or left out', async () => {
    const written = Array.from({ length: 100 }, (_, i) => i)
    const chunks = await signAll(termsOf(), [written])
    for (const order of [[0, 0], [1], [0, 2], [0, 1, 1], [0, 1, 3]]) {
      const verifier = new ChunkVerifier(termsOf(), provider.name)
      verifier.streamed(written)
      const taking = (async () => {
        for (const i of order)
          await verifier.accept(chunks[i] ?? { body: new Uint8Array(), signature: new Uint8Array() })
      })()
      await expect(taking, order.join()).rejects.toMatchObject({ code: 'stream.bad-chunk' })
    }
  })

  it('covers only what was streamed', async () => {
    const chunks = await signAll(termsOf(), [[1, 2, 3]])
    const verifier = verifierOf(termsOf())
    verifier.streamed([1, 2, 4])
    for (const [i, signed] of chunks.entries()) {
      if (i === 0) await verifier.accept(signed)
      else await expect(verifier.accept(signed)).rejects.toMatchObject({ facts: { reason: 'tokens' } })
    }
    expect(verifier.due).toBe(27n)
  })
})
