import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { baseUnits, millis } from '#shared/base/units.ts'
import { peerName } from '#shared/base/ids.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { segmentsAfter } from '#shared/client/segments.ts'
import type { AnswerEvent, Segment } from '#shared/peer/peer.ts'
import { verifyTranscript } from '#shared/stream/transcript.ts'
import type { MountDirectoryInit } from '../../relay/directory/mount-directory.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  MODEL,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  unbroken,
  type WatchedEngine,
} from './test-network.ts'

const never = (): void => undefined

/** Nothing of what runs in this file may be left to nobody. */
const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', onUnhandled))
afterAll(() => {
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

/** A relay, and one that asks there. */
async function startGround(directory: MountDirectoryInit = {}) {
  const network = new TestNetwork()
  const relayKey = await generateKeyPair('Ed25519')
  const relay = await network.relay({}, relayKey, directory)
  const consumer = await network.node({ relays: relay.addresses })
  const provider = async (engine: WatchedEngine, changes: Partial<typeof TERMS> = {}) => {
    const who = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = who.peer.provide(engine, { ...TERMS, ...changes })
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { ...who, provision, engine, name: peerName(who.node.peerId.toString()) }
  }
  return {
    ...{ network, relayKey, relay, consumer, provider },
    offersSeen: async (): Promise<number> => (await consumer.peer.look({ model: MODEL })).offers.length,
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}

// Each has a relay of its own and waits for most of its time, so some run at once.
describe.concurrent('peers on a relay, over sockets', () => {
  it('answers a prompt from one end to the other, and counts what is owed', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const { engine, name, provision } = await provider(fakeEngine())
    const { events, tokens, summary } = await hear(consumer.peer, promptOf())
    expect(tokens).toEqual(await unbroken(engine.requests[0]))
    expect(events.map(({ type }) => type).filter((type) => type !== 'tokens' && type !== 'chunk')).toEqual([
      'searching',
      'assigned',
      'proof',
      'done',
    ])
    expect(summary).toMatchObject({ finish: 'stop', promptTokens: 3, outputTokens: 80, due: 803n })
    expect(summary?.segments).toMatchObject([
      { provider: name, kind: 'node', path: 'websocket', from: 0, tokens: 80, signedTokens: 80, chunks: 3 },
    ])
    await until('it is counted', () => provision.served.jobs === 1)
    expect(provision.served).toMatchObject({ tokens: 80, handedOver: 0, due: 803n })
  })

  it('goes on with the same tokens when the provider’s node is stopped in the middle', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const both = [await provider(fakeEngine()), await provider(fakeEngine())]
    let lost: (typeof both)[number] | undefined
    const { events, tokens, summary } = await hear(consumer.peer, promptOf(), {
      onEvent: (event, count) => {
        if (lost || count < 37 || event.type !== 'tokens') return
        lost = both.find(({ engine }) => engine.requests.length > 0)
        void lost?.node.stop()
      },
    })
    const other = both.find((one) => one !== lost)
    expect(tokens).toEqual(await unbroken(lost?.engine.requests[0]))
    expect(other?.engine.requests[0]?.seed).toEqual(lost?.engine.requests[0]?.seed)
    const seam = events.find((event) => event.type === 'seam')
    const position = seam?.position ?? 0
    expect(position).toBeGreaterThanOrEqual(37)
    expect(seam).toMatchObject({ lost: lost?.name, reason: { code: 'stream.provider-lost' } })
    expect(events.find((event) => event.type === 'resumed')).toMatchObject({
      position,
      provider: other?.name,
    })
    expect(summary?.segments).toMatchObject([
      { provider: lost?.name, from: 0, tokens: position },
      { provider: other?.name, from: position, tokens: 80 - position, signedTokens: 80 - position },
    ])
    // The second one reads the prompt and what is there, then writes the rest; the first is owed what it signed.
    expect(summary?.segments[1]?.due).toBe(BigInt(3 + position) + 10n * BigInt(80 - position))
    expect(summary?.due).toBe(summary?.segments.reduce((sum, { due }) => sum + due, 0n))
  })

  it('asks another provider where one does not want to answer the prompt, and says so where there is none', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const refusing = await provider(fakeEngine(), {
      screen: () => Promise.reject(new InfernetError('stream.refused')),
    })
    await expect(hear(consumer.peer, promptOf())).rejects.toMatchObject({ code: 'stream.refused' })
    const { name } = await provider(fakeEngine())
    await until('both are seen', async () => (await ground.offersSeen()) === 2)
    const { summary } = await hear(consumer.peer, promptOf())
    expect(summary?.segments).toMatchObject([{ provider: name, from: 0, tokens: 80 }])
    expect([refusing.engine.requests, refusing.provision.served.jobs]).toEqual([[], 0])
  })

  it('moves a job that its provider stops, and does not bring it back there while it waits', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const first = await provider(fakeEngine())
    let second: typeof first | undefined
    const codes: string[] = []
    const { tokens, summary } = await hear(consumer.peer, promptOf(), {
      onEvent: (event, count) => {
        if (event.type === 'tokens' && count >= 20 && count < 60) first.provision.jobs[0]?.stop()
        if (event.type === 'seam') codes.push(event.reason.code)
        if (event.type !== 'waiting') return
        codes.push(event.reason.code)
        // It has been asked again by the second wait.
        if (codes.length === 3) void provider(fakeEngine()).then((who) => (second = who))
      },
    })
    expect(codes.slice(0, 3)).toEqual(['stream.refused', 'stream.refused', 'stream.refused'])
    expect(tokens).toEqual(await unbroken(first.engine.requests[0]))
    expect(first.engine.requests).toHaveLength(1)
    expect(summary?.segments).toMatchObject([{ provider: first.name }, { provider: second?.name }])
  })

  it('moves a job that is handed back because its provision ends', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const both = [await provider(fakeEngine()), await provider(fakeEngine())]
    let isTold = false
    const { tokens, events } = await hear(consumer.peer, promptOf(), {
      onEvent: (_, count) => {
        if (isTold || count < 20) return
        isTold = true
        void both.find(({ engine }) => engine.requests.length > 0)?.provision.stop()
      },
    })
    expect(tokens).toHaveLength(80)
    expect(events.find((event) => event.type === 'seam')).toMatchObject({
      reason: { code: 'stream.draining' },
    })
  })

  it('waits in the middle of an answer for a provider to come', { timeout: 20_000 }, async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const first = await provider(fakeEngine())
    let second: Promise<unknown> | undefined
    const { tokens } = await hear(consumer.peer, promptOf(), {
      onEvent: (_, count) => {
        if (second || count < 10) return
        second = Promise.resolve(first.node.stop()).then(() => provider(fakeEngine()))
      },
    })
    expect(tokens).toEqual(await unbroken(first.engine.requests[0]))
    await second
  })

  it('continues an answer that was stopped, with the same tokens and what it has cost', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const { engine } = await provider(fakeEngine())
    const stopper = new AbortController()
    const written: number[] = []
    let seed: Uint8Array | undefined
    let segments: readonly Segment[] = []
    const stopped = hear(consumer.peer, promptOf(), {
      signal: stopper.signal,
      onEvent: (event) => {
        segments = segmentsAfter(segments, event)
        if (event.type === 'assigned') ({ seed } = event)
        if (event.type === 'tokens' && written.push(...event.tokens) >= 40) stopper.abort()
      },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'stream.cancelled' })
    if (!seed) throw new Error('nobody took it')
    const begun = { tokens: written, seed, segments }
    const { tokens, events, summary } = await hear(consumer.peer, promptOf(), { begun })
    expect([...written, ...tokens]).toEqual(await unbroken(engine.requests[0]))
    expect(events.find((event) => event.type === 'assigned')).toMatchObject({
      position: written.length,
      seed,
    })
    expect(summary?.segments.map(({ from }) => from)).toEqual([0, written.length])
    expect(summary?.due).toBe(summary?.segments.reduce((sum, { due }) => sum + due, 0n))
    // What is complete already is asked of nobody.
    const whole = { tokens: [...written, ...tokens], seed, segments: summary?.segments ?? [] }
    expect((await hear(consumer.peer, promptOf({ maxTokens: 80 }), { begun: whole })).summary).toMatchObject({
      finish: 'length',
      outputTokens: 80,
      due: summary?.due,
    })
    expect(engine.requests).toHaveLength(2)
  })

  it('tries those that stand behind four dead ones', { timeout: 40_000 }, async () => {
    await using ground = await startGround({ canReach: () => true })
    const { network, relay, consumer, provider, offersSeen } = ground
    const dead = await Promise.all(
      Array.from({ length: 5 }, () => network.node({ relays: relay.addresses, named: [OWN_SOCKET] })),
    )
    for (const { peer } of dead) peer.provide(fakeEngine({ info: { decodeTokensPerSecond: 1e6 } }), TERMS)
    await provider(fakeEngine())
    await until('six offers stand', async () => (await offersSeen()) === 6)
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })

  it('says what is wrong when nobody can answer', async () => {
    await using ground = await startGround()
    const { network, consumer, provider } = ground
    await expect(hear(consumer.peer, promptOf())).rejects.toMatchObject({ code: 'schedule.no-provider' })
    await provider(fakeEngine())
    const cheap = promptOf({ maxOutputPrice: baseUnits(9_999_999n) })
    await expect(hear(consumer.peer, cheap)).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    expect(
      (await hear(consumer.peer, promptOf({ maxOutputPrice: baseUnits(10_000_000n) }))).tokens,
    ).toHaveLength(80)
    const long = promptOf({ promptTokens: Array.from({ length: 1024 }, () => 3) })
    await expect(hear(consumer.peer, long)).rejects.toMatchObject({ code: 'prompt.too-long' })
    const none = await network.node()
    await expect(hear(none.peer, promptOf())).rejects.toMatchObject({ code: 'schedule.no-relay' })
    await expect(none.peer.look()).rejects.toMatchObject({ code: 'schedule.no-relay' })
  })

  it('lets no provider’s word end an answer that another one can write', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const liar = fakeEngine({ info: { decodeTokensPerSecond: 1e6 } })
    Object.assign(liar, {
      generate: () => {
        liarCalls++
        throw new InfernetError('engine.context-full', { tokens: 3, contextLength: 2 })
      },
    })
    let liarCalls = 0
    await provider(liar)
    await provider(fakeEngine({ info: { decodeTokensPerSecond: 1 } }))
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
    expect(liarCalls).toBe(1)
  })

  it('waits for a provider that takes six seconds to come back to a relay that has just started', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const reasons = new Set<string>()
    const asked = hear(consumer.peer, promptOf(), {
      onEvent: (event) => void (event.type === 'waiting' && reasons.add(event.reason.code)),
    })
    await new Promise((later) => setTimeout(later, 6000))
    await provider(fakeEngine())
    expect((await asked).tokens).toHaveLength(80)
    expect([...reasons]).toEqual(['schedule.filling'])
  })

  it('does not ask itself', async () => {
    await using ground = await startGround()
    const { provider } = ground
    const alone = await provider(fakeEngine())
    await expect(hear(alone.peer, promptOf())).rejects.toMatchObject({ code: 'schedule.no-provider' })
  })

  it(
    'waits while all are busy, says so, and is answered when a place is free',
    { timeout: 20_000 },
    async () => {
      await using ground = await startGround()
      const { network, relay, consumer, provider } = ground
      const slow = await provider(fakeEngine({ tokensPerSecond: 4 }), { slots: 1, queue: 0 })
      const holder = await network.node({ relays: relay.addresses })
      const holding = new AbortController()
      const held = hear(holder.peer, promptOf(), { signal: holding.signal }).catch(never)
      await until('the place is taken', () => slow.provision.jobs.length === 1)
      const { tokens } = await hear(consumer.peer, promptOf({ maxTokens: 4 }), {
        onEvent: (event) => {
          if (event.type !== 'waiting') return
          expect(event.reason).toMatchObject({ code: 'stream.busy' })
          holding.abort()
        },
      })
      expect(holding.signal.aborted).toBe(true)
      expect(tokens).toHaveLength(4)
      await held
    },
  )

  it('frees the provider when the answer is cancelled, by the signal or by leaving', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const { engine, provision } = await provider(fakeEngine({ tokensPerSecond: 100, answerLength: 400 }))
    const controller = new AbortController()
    const cancelled = hear(consumer.peer, promptOf(), {
      signal: controller.signal,
      onEvent: (_, count) => void (count > 5 && controller.abort()),
    })
    await expect(cancelled).rejects.toMatchObject({ code: 'stream.cancelled' })
    await until('it is free', () => engine.active === 0 && provision.jobs.length === 0)
    for await (const event of consumer.peer.ask(promptOf())) if (event.type === 'tokens') break
    await until('it is free again', () => engine.active === 0 && provision.jobs.length === 0)
    expect(provision.served).toMatchObject({ jobs: 0, handedOver: 0 })
  })

  it('lets a running job end when it drains, and takes no new one', async () => {
    await using ground = await startGround()
    const { consumer, provider, offersSeen } = ground
    const { provision } = await provider(fakeEngine({ tokensPerSecond: 60 }))
    let draining: Promise<void> | undefined
    let refusal: Promise<unknown> | undefined
    const { tokens, events } = await hear(consumer.peer, promptOf(), {
      onEvent: async (_, count) => {
        if (draining || count < 5) return
        draining = provision.drain()
        expect(provision.state).toBe('draining')
        await until('the offer is gone', async () => (await offersSeen()) === 0)
        refusal = hear(consumer.peer, promptOf()).catch((thrown: unknown) => thrown)
      },
    })
    expect(tokens).toHaveLength(80)
    expect(events.some(({ type }) => type === 'seam')).toBe(false)
    expect(await refusal).toMatchObject({ code: 'schedule.no-provider' })
    await draining
    expect(provision.state).toBe('ended')
    expect(provision.served.jobs).toBe(1)
  })

  it('hands jobs over that have not ended when the limit of a drain has come', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const both = [
      await provider(fakeEngine({ tokensPerSecond: 40 })),
      await provider(fakeEngine({ tokensPerSecond: 400, info: { decodeTokensPerSecond: 1 } })),
    ]
    let draining: Promise<void> | undefined
    const { tokens } = await hear(consumer.peer, promptOf(), {
      onEvent: (_, count) => {
        if (draining || count < 5) return
        draining = both.find(({ engine }) => engine.active > 0)?.provision.drain({ limitMs: millis(100) })
      },
    })
    expect(tokens).toHaveLength(80)
    await draining
  })

  it('proves each part of an answer that changed its provider, and one that was stopped', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const both = [await provider(fakeEngine()), await provider(fakeEngine())]
    let isGone = false
    const { tokens, events } = await hear(consumer.peer, promptOf(), {
      onEvent: (_, count) => {
        if (isGone || count < 40) return
        isGone = true
        both.find(({ engine }) => engine.requests.length > 0)?.peer.farewell()
      },
    })
    const proofs = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    const [first, second] = await Promise.all(proofs.map(verifyTranscript))
    expect(proofs).toHaveLength(2)
    expect(first).toMatchObject({ from: 0, tokens: tokens.slice(0, first?.tokens.length) })
    expect(second).toMatchObject({
      tokens: tokens.slice(second?.from),
      from: second?.question?.priorTokens.length,
    })
    expect(second?.question).toMatchObject({
      promptTokens: [5, 6, 7],
      priorTokens: tokens.slice(0, second?.from),
    })
    expect(new Set(proofs.map(({ provider: by }) => by)).size).toBe(2)

    const stopper = new AbortController()
    const stopped: AnswerEvent[] = []
    const asking = (async () => {
      for await (const event of consumer.peer.ask(promptOf(), { signal: stopper.signal })) {
        stopped.push(event)
        if (event.type === 'chunk' && event.index === 1) stopper.abort()
      }
    })()
    await expect(asking).rejects.toMatchObject({ code: 'stream.cancelled' })
    const [kept] = stopped.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    expect(kept && (await verifyTranscript(kept)).tokens.length).toBeGreaterThanOrEqual(32)
  })

  it('withdraws when it is paused and comes back when it is resumed', async () => {
    await using ground = await startGround()
    const { consumer, provider, offersSeen } = ground
    const { provision } = await provider(fakeEngine())
    expect(await offersSeen()).toBe(1)
    provision.pause()
    expect(provision).toMatchObject({ state: 'paused', offerAcceptedAt: undefined })
    await until('the offer is gone', async () => (await offersSeen()) === 0)
    await expect(hear(consumer.peer, promptOf())).rejects.toMatchObject({ code: 'schedule.no-provider' })
    provision.resume()
    await until('the offer is back', async () => (await offersSeen()) === 1)
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })

  it('brings the offer again after a restart of the relay', { timeout: 20_000 }, async () => {
    await using ground = await startGround()
    const { network, relay, consumer, provider, offersSeen, relayKey } = ground
    await provider(fakeEngine())
    const port = Number(new URL(relay.httpUrl).port)
    await relay.stop()
    await expect(
      hear((await network.node({ relays: relay.addresses })).peer, promptOf()),
    ).rejects.toMatchObject({
      code: 'schedule.no-relay',
    })
    await network.relay({ port }, relayKey)
    await until('the offer is back', async () => (await offersSeen().catch(() => 0)) === 1)
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })

  it(
    'answers a question that comes before the provider is back after a restart',
    { timeout: 20_000 },
    async () => {
      await using ground = await startGround()
      const { network, relay, provider, relayKey } = ground
      await provider(fakeEngine())
      const port = Number(new URL(relay.httpUrl).port)
      await relay.stop()
      const again = await network.relay({ port }, relayKey)
      const newcomer = await network.node({ relays: again.addresses })
      expect((await hear(newcomer.peer, promptOf())).tokens).toHaveLength(80)
    },
  )

  it('asks those it saw within the last minute when every relay is gone', async () => {
    await using ground = await startGround()
    const { relay, consumer, provider, offersSeen } = ground
    await provider(fakeEngine())
    expect(await offersSeen()).toBe(1)
    await relay.stop()
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })

  it('says goodbye on every open job in one go', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    const both = [await provider(fakeEngine()), await provider(fakeEngine())]
    let isGone = false
    const { tokens, events } = await hear(consumer.peer, promptOf(), {
      onEvent: (_, count) => {
        if (isGone || count < 20) return
        isGone = true
        both.find(({ engine }) => engine.requests.length > 0)?.peer.farewell()
      },
    })
    expect(tokens).toHaveLength(80)
    expect(events.find((event) => event.type === 'seam')).toMatchObject({
      reason: { code: 'stream.provider-lost' },
    })
  })

  it('serves many at once, each with the tokens of its own seed', { timeout: 20_000 }, async () => {
    await using ground = await startGround()
    const { network, relay, provider } = ground
    const { engine } = await provider(fakeEngine({ tokensPerSecond: 2000, answerLength: 20 }), {
      slots: 4,
      queue: 60,
    })
    const askers = await Promise.all(
      Array.from({ length: 4 }, () => network.node({ relays: relay.addresses })),
    )
    const answers = await Promise.all(askers.flatMap(({ peer }) => [1, 2].map(() => hear(peer, promptOf()))))
    const expected = await Promise.all(engine.requests.map((request) => unbroken(request, 20)))
    const sorted = (lists: readonly (readonly number[])[]): string[] => lists.map(String).sort()
    expect(sorted(answers.map(({ tokens }) => tokens))).toEqual(sorted(expected))
    expect(new Set(sorted(expected)).size).toBe(8)
  })

  it('quotes a wait in whole milliseconds while it is busy, whatever its speed', async () => {
    await using ground = await startGround()
    const { network, relay, consumer, provider } = ground
    await provider(fakeEngine({ info: { decodeTokensPerSecond: 333.3 } }))
    const second = await network.node({ relays: relay.addresses })
    const answers = await Promise.all([consumer.peer, second.peer].map((peer) => hear(peer, promptOf())))
    expect(answers.map(({ tokens }) => tokens.length)).toEqual([80, 80])
  })

  it('offers the speed of the share that it may compute', async () => {
    await using ground = await startGround()
    const { consumer, provider } = ground
    await provider(fakeEngine({ info: { decodeTokensPerSecond: 100, prefillTokensPerSecond: 400 } }), {
      share: 0.25,
    })
    const [seen] = (await consumer.peer.look()).offers
    expect(seen?.offer).toMatchObject({ decodeTokensPerSecond: 25, prefillTokensPerSecond: 100 })
  })
})
