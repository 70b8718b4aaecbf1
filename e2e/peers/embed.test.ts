import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import { baseUnits } from '#shared/base/units.ts'
import type { EmbedEvent, EmbedRequest, Peer } from '#shared/peer/peer.ts'
import { verifyVectors } from '#shared/stream/verify-vectors.ts'
import { fakeVector, type FakeEngine } from '#shared/testing/fake-engine.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { fakeEngine, hear, OWN_SOCKET, promptOf, TERMS, TestNetwork } from './test-network.ts'

const MODEL = modelHash('e'.repeat(64))
const DIMENSIONS = 16
/** Forty texts of fifty tokens: five to a block. */
const texts = Array.from({ length: 40 }, (_, i) => Array.from({ length: 50 }, (_, k) => 3 + i + k))
const REQUEST: EmbedRequest = { model: MODEL, texts, dimensions: DIMENSIONS, maxPromptPrice: undefined }
const wanted = texts.map((text) => Float32Array.from(fakeVector(text, DIMENSIONS)))

const encoder = (tokensPerSecond?: number): FakeEngine =>
  fakeEngine({
    tokensPerSecond,
    info: { task: 'feature-extraction', model: MODEL, dimensions: DIMENSIONS, contextLength: 128 },
  })

/** Asks and writes down what is heard; `onEvent` may break something meanwhile. */
async function embed(
  peer: Peer,
  request: EmbedRequest = REQUEST,
  { onEvent, signal }: { onEvent?: (event: EmbedEvent) => unknown; signal?: AbortSignal } = {},
) {
  const events: EmbedEvent[] = []
  const vectors: Float32Array[] = []
  for await (const event of peer.embed(request, { ...(signal && { signal }) })) {
    events.push(event)
    if (event.type === 'vectors') {
      expect(event.position).toBe(vectors.length)
      vectors.push(...event.vectors)
    }
    await onEvent?.(event)
  }
  const summary = events.flatMap((event) => (event.type === 'done' ? [event.summary] : [])).at(-1)
  return { events, vectors, summary }
}

describe('texts across the mesh', () => {
  let network: TestNetwork
  let relay: Relay
  beforeEach(async () => {
    network = new TestNetwork()
    relay = await network.relay()
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const provider = async (engine: FakeEngine) => {
    const node = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = node.peer.provide(engine, TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { ...node, provision, name: node.peer.name, engine }
  }
  const asker = () => network.node({ relays: relay.addresses })

  it('come back as vectors with what proves them', async () => {
    const { name } = await provider(encoder())
    const { vectors, events, summary } = await embed((await asker()).peer)
    expect(vectors).toEqual(wanted)
    expect(summary).toMatchObject({
      promptTokens: 2000,
      due: 2000n,
      segments: [{ provider: name, chunks: 8 }],
    })
    const [proof] = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    expect((await verifyVectors(proof!)).question?.texts).toEqual(texts)
  })

  it('go on at the next provider where one is lost, each answered once', async () => {
    const providers = [await provider(encoder(1000)), await provider(encoder(1000))]
    let lost: string | undefined
    const { vectors, events, summary } = await embed((await asker()).peer, REQUEST, {
      onEvent: async (event) => {
        if (event.type !== 'vectors' || lost !== undefined) return
        const running = providers.find(({ engine }) => engine.active > 0)
        if (!running) throw new Error('nobody computes')
        lost = running.name
        await running.node.stop()
      },
    })
    expect(vectors).toEqual(wanted)
    expect(events.find(({ type }) => type === 'seam')).toMatchObject({ lost })
    expect(summary?.segments.map(({ provider }) => provider)).toEqual([
      lost,
      providers.find(({ name }) => name !== lost)?.name,
    ])
    const [first, second] = summary?.segments ?? []
    expect(first!.signedTokens + second!.signedTokens).toBe(2000)
  })

  it('are more than one job may have: the next one takes the rest', async () => {
    await provider(encoder())
    const many = Array.from({ length: 600 }, (_, i) => [3 + (i % 900), 7])
    const { vectors, summary } = await embed((await asker()).peer, { ...REQUEST, texts: many })
    expect(vectors).toEqual(many.map((text) => Float32Array.from(fakeVector(text, DIMENSIONS))))
    expect(summary?.segments.map(({ from }) => from)).toEqual([0, 256, 512])
  })

  it('are stopped by their signal, and the engine is free', async () => {
    const { engine } = await provider(encoder(1000))
    const stop = new AbortController()
    const stopped = embed((await asker()).peer, REQUEST, {
      signal: stop.signal,
      onEvent: (event) => event.type === 'vectors' && stop.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ code: 'stream.cancelled' })
    await until('the engine is free', () => engine.active === 0)
  })

  it('are not asked for above a price, and a text that nobody takes is named', async () => {
    await provider(encoder())
    const { peer } = await asker()
    const cheap = embed(peer, { ...REQUEST, maxPromptPrice: baseUnits(999_999n) })
    await expect(cheap).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    const poor = embed(peer, { ...REQUEST, maxCost: baseUnits(1999n) })
    await expect(poor).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    const long = embed(peer, { ...REQUEST, texts: [Array.from({ length: 129 }, () => 3)] })
    await expect(long).rejects.toMatchObject({
      code: 'prompt.too-long',
      facts: { tokens: 129, maxTokens: 128 },
    })
    await expect(embed(peer, { ...REQUEST, texts: [] })).rejects.toMatchObject({
      code: 'prompt.bad-parameters',
    })
  })

  it('go to another provider where one knows no such job', async () => {
    // Its offer says that it reads; asked, it turns out to be one that only writes.
    const other = encoder()
    await provider(other)
    Object.assign(other.info, { task: 'text-generation' })
    const { name } = await provider(encoder())
    const { vectors, summary } = await embed((await asker()).peer)
    expect(vectors).toEqual(wanted)
    expect(summary?.segments.map(({ provider }) => provider)).toEqual([name])
  })

  it('never go to a model that writes, nor a prompt to one that reads', async () => {
    await provider(encoder())
    const writer = await provider(fakeEngine())
    const { peer } = await asker()
    const { model } = writer.engine.info
    await expect(embed(peer, { ...REQUEST, model })).rejects.toMatchObject({ code: 'schedule.no-provider' })
    await expect(hear(peer, promptOf({ model: MODEL }))).rejects.toMatchObject({
      code: 'schedule.no-provider',
    })
  })
})
