import { describe, expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import type { AnswerEvent, Segment } from '#shared/peer/peer.ts'
import { verifyTranscript } from '#shared/stream/transcript.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  unbroken,
  type WatchedEngine,
} from './test-network.ts'

/** A relay, one that asks there, and a provider for each engine. */
async function startGround(...engines: readonly WatchedEngine[]) {
  const network = new TestNetwork()
  const relay = await network.relay()
  const consumer = await network.node({ relays: relay.addresses })
  const providers = []
  for (const engine of engines) {
    const who = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = who.peer.provide(engine, TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    providers.push({ ...who, engine, provision, name: peerName(who.node.peerId.toString()) })
  }
  return { consumer, providers, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() }
}

/** Draws with another seed than it was told: what it writes is as likely, and not what was asked for. */
function withOwnSeed(): WatchedEngine {
  const engine = fakeEngine()
  const generate: WatchedEngine['generate'] = (request, options) =>
    engine.generate({ ...request, seed: request.seed.map((byte) => byte ^ 1) }, options)
  return Object.assign(Object.create(engine) as WatchedEngine, { generate })
}

function of<T extends AnswerEvent['type']>(events: readonly AnswerEvent[], type: T) {
  return events.filter((event): event is Extract<AnswerEvent, { type: T }> => event.type === type)
}

describe.concurrent('two providers of one prompt', () => {
  it('write the same tokens, told once, and both are owed for them', async () => {
    const engines = [fakeEngine(), fakeEngine()]
    await using ground = await startGround(...engines)
    const { events, tokens, summary } = await hear(ground.consumer.peer, promptOf(), { redundant: 2 })
    const [first, second] = engines.map(({ requests }) => requests)
    expect([first?.length, second?.length]).toEqual([1, 1])
    expect(first?.[0]?.seed).toEqual(second?.[0]?.seed)
    expect(tokens).toEqual(await unbroken(first?.[0]))
    expect(of(events, 'compared')).toEqual([{ type: 'compared', tokens: 80, same: true }])
    expect(of(events, 'parted')).toEqual([])
    expect(summary).toMatchObject({ finish: 'stop', outputTokens: 80, due: 2n * 803n })
    const names = ground.providers.map(({ name }) => name)
    const writers = [summary?.segments, summary?.second].map((segments) =>
      segments?.map((each) => each.provider),
    )
    expect(writers.map((each) => each?.length)).toEqual([1, 1])
    expect(new Set(writers.flat())).toEqual(new Set(names))
    const proven = await Promise.all(
      of(events, 'proof').map(({ transcript }) => verifyTranscript(transcript)),
    )
    expect(proven.map((each) => each.tokens)).toEqual([tokens, tokens])
    expect(events.at(-1)?.type).toBe('done')
  })

  it('are told as soon as the faster one has them, whichever was asked first', async () => {
    // Its offer says that it is the faster one.
    const info = { decodeTokensPerSecond: 2000, batchTokensPerSecond: 2000 }
    const [slow, fast] = [fakeEngine({ tokensPerSecond: 20, info }), fakeEngine({ tokensPerSecond: 400 })]
    await using ground = await startGround(slow, fast)
    let isSlowAtIt = false
    const { tokens, events } = await hear(ground.consumer.peer, promptOf(), {
      redundant: 2,
      onEvent: (event, count) => {
        if (event.type === 'tokens' && count === 80) isSlowAtIt = slow.active > 0
      },
    })
    expect(tokens).toHaveLength(80)
    expect(isSlowAtIt, 'the last token was told while the slow one still wrote').toBe(true)
    expect(of(events, 'compared')).toEqual([{ type: 'compared', tokens: 80, same: true }])
  })

  it('part where one draws with another seed, which one is not said, and the text is of one alone', async () => {
    const [honest, other] = [fakeEngine(), withOwnSeed()]
    await using ground = await startGround(honest, other)
    const { events, tokens, summary } = await hear(ground.consumer.peer, promptOf(), { redundant: 2 })
    const [parted, ...more] = of(events, 'parted')
    expect(more).toEqual([])
    expect(new Set(parted?.providers)).toEqual(new Set(ground.providers.map(({ name }) => name)))
    const [kept] = parted?.providers ?? []
    const writer = ground.providers.find(({ name }) => name === kept)
    expect(tokens).toEqual(await unbroken(writer?.engine.requests[0]))
    expect(summary?.segments.map(({ provider }) => provider)).toEqual([kept])
    expect(of(events, 'compared')).toEqual([{ type: 'compared', tokens: parted?.position, same: false }])
    const stopped = ground.providers.find(({ name }) => name !== kept)
    await until('the other one is stopped', () => stopped?.engine.active === 0)
    const proven = of(events, 'proof').map(({ transcript }) => transcript.provider)
    expect(new Set(proven), 'either can be checked').toEqual(new Set(parted?.providers))
  })

  it('go on with the same tokens where the answer was stopped, and what it had cost counts once', async () => {
    await using ground = await startGround(fakeEngine(), fakeEngine())
    const stop = new AbortController()
    const begun = {
      tokens: [] as number[],
      seed: new Uint8Array() as Uint8Array,
      segments: new Map<string, Segment>(),
    }
    const second = new Map<string, Segment>()
    const hearing = hear(ground.consumer.peer, promptOf(), {
      redundant: 2,
      signal: stop.signal,
      onEvent: (event, count) => {
        if (event.type === 'tokens') begun.tokens.push(...event.tokens)
        if (event.type === 'assigned') begun.seed = event.seed
        if (event.type === 'chunk' || event.type === 'ended')
          begun.segments.set(event.segment.provider, event.segment)
        if (event.type === 'second') second.set(event.segment.provider, event.segment)
        if (count >= 30 && second.size > 0) stop.abort()
      },
    })
    await expect(hearing).rejects.toMatchObject({ code: 'stream.cancelled' })
    const [first] = ground.providers.flatMap(({ engine }) => engine.requests)
    const segments = [...begun.segments.values()]
    const { tokens, summary, events } = await hear(ground.consumer.peer, promptOf(), {
      redundant: 2,
      begun: { tokens: begun.tokens, seed: begun.seed, segments },
    })
    expect([...begun.tokens, ...tokens]).toEqual(await unbroken(first))
    expect(of(events, 'compared')).toEqual([{ type: 'compared', tokens: tokens.length, same: true }])
    expect(of(events, 'parted')).toEqual([])
    expect(summary?.segments.slice(0, segments.length)).toEqual(segments)
    expect(summary?.outputTokens).toBe(80)
    const all = [...(summary?.segments ?? []), ...(summary?.second ?? [])]
    expect(summary?.due).toBe(all.reduce((sum, { due }) => sum + due, 0n))
  })

  it.each([0, 1])(
    'go on with the same tokens when one of them is lost: %i',
    async (which) => {
      await using ground = await startGround(fakeEngine(), fakeEngine(), fakeEngine())
      let isGone = false
      const writers: (string | undefined)[] = [undefined, undefined]
      const { events, tokens, summary } = await hear(ground.consumer.peer, promptOf(), {
        redundant: 2,
        onEvent: async (event, count) => {
          if (event.type === 'assigned') writers[0] ??= event.segment.provider
          if (event.type === 'second') writers[1] ??= event.segment.provider
          const gone = ground.providers.find(({ name }) => name === writers[which])
          if (isGone || count < 30 || !gone || !writers[1]) return
          isGone = true
          await gone.stop()
        },
      })
      expect(isGone).toBe(true)
      const asked = ground.providers.flatMap(({ engine }) => engine.requests)
      expect(tokens).toEqual(await unbroken(asked[0]))
      expect(of(events, 'parted')).toEqual([])
      expect(of(events, 'compared')).toEqual([{ type: 'compared', tokens: 80, same: true }])
      const parts = [summary?.segments.length ?? 0, summary?.second?.length ?? 0]
      expect(parts.sort()).toEqual([1, 2])
      expect(asked).toHaveLength(3)
    },
    60_000,
  )

  it('may be one that answers alone, which is told', async () => {
    await using ground = await startGround(fakeEngine())
    const { events, tokens, summary } = await hear(ground.consumer.peer, promptOf(), { redundant: 2 })
    expect(tokens).toHaveLength(80)
    expect(of(events, 'compared')).toMatchObject([
      { tokens: 0, same: true, reason: { code: 'schedule.no-provider' } },
    ])
    expect(summary).toMatchObject({ due: 803n, second: [] })
  })

  it('are both stopped when the asker stops, and what was compared is told', async () => {
    const engines = [fakeEngine({ tokensPerSecond: 40 }), fakeEngine({ tokensPerSecond: 40 })]
    await using ground = await startGround(...engines)
    const stop = new AbortController()
    const events: AnswerEvent[] = []
    const hearing = hear(ground.consumer.peer, promptOf(), {
      redundant: 2,
      signal: stop.signal,
      onEvent: (event, count) => {
        events.push(event)
        if (count > 20) stop.abort()
      },
    })
    await expect(hearing).rejects.toMatchObject({ code: 'stream.cancelled' })
    await until('both are free', () => engines.every(({ active }) => active === 0))
    expect(of(events, 'compared')).toMatchObject([{ same: true }])
    expect(of(events, 'parted')).toEqual([])
  })

  it('cost no more together than the limit', async () => {
    await using ground = await startGround(fakeEngine(), fakeEngine())
    const { peer } = ground.consumer
    const most = BigInt(3 + 10 * 500)
    await expect(
      hear(peer, promptOf({ maxCost: (2n * most - 2n) as never }), { redundant: 2 }),
    ).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    const { summary } = await hear(peer, promptOf({ maxCost: (2n * most) as never }), { redundant: 2 })
    expect(summary?.due).toBe(2n * 803n)
  })
})
