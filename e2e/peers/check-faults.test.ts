import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import { MINUTE_MS } from '#shared/base/units.ts'
import type { CheckBy, CheckReport } from '#shared/peer/check-events.ts'
import type { Peer, Provision } from '#shared/peer/peer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { KEEP_OPENINGS_MS, OPENINGS_PROTOCOL } from '#shared/verify/openings/constants.ts'
import { openingsRequestSchema } from '#shared/verify/openings/messages.ts'
import { OpeningKeeper } from '#shared/verify/openings/opening-keeper.ts'
import type { KeptJob, OpeningStore } from '#shared/verify/openings/opening-store.ts'
import { signOpened, statementBytes } from '#shared/verify/openings/statement.ts'
import { FramedStream } from '#shared/wire/framed-stream.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  type TestPeerNode,
} from './test-network.ts'

const PEER: CheckBy = { by: 'peer', profile: 'fp32' }
const WITHHELD = { shown: 'withheld', verdict: { outcome: 'inconclusive', reason: 'withheld' } }
const AGREES = { shown: 'opened', verdict: { outcome: 'agrees' } }

interface Provider extends TestPeerNode {
  provision: Provision
}

/** Where a tab keeps what it committed to, as long as the test runs. */
class MemoryOpenings implements OpeningStore {
  readonly jobs = new Map<string, KeptJob>()
  async load(): Promise<readonly KeptJob[]> {
    return [...this.jobs.values()]
  }
  async put(job: KeptJob): Promise<void> {
    this.jobs.set(job.link, job)
  }
  async remove(links: readonly string[]): Promise<void> {
    for (const link of links) this.jobs.delete(link)
  }
}

async function check(peer: Peer, transcript: Transcript, by: CheckBy = PEER): Promise<CheckReport> {
  for await (const event of peer.check(transcript, by)) if (event.type === 'done') return event.report
  throw new Error('no report came')
}

describe('what befalls an honest provider', () => {
  let network: TestNetwork
  let relay: Relay
  let asker: TestPeerNode
  let provider: Provider
  let transcript: Transcript

  beforeEach(async () => {
    network = new TestNetwork()
    relay = await network.relay()
    asker = await network.node({ relays: relay.addresses })
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const provide = async (init: Partial<Parameters<TestNetwork['node']>[0]> = {}): Promise<Provider> => {
    const node = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses, ...init })
    return { ...node, provision: await offer(node) }
  }
  const offer = async ({ peer }: TestPeerNode, terms = TERMS): Promise<Provision> => {
    const provision = peer.provide(fakeEngine(), terms)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return provision
  }
  const answered = async (): Promise<Transcript> => {
    const { events } = await hear(asker.peer, promptOf())
    const [proof] = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    if (!proof) throw new Error('nothing proves the answer')
    return proof
  }
  /** One that wrote an answer, and another one that can read it. */
  const begin = async (init: Parameters<typeof provide>[0] = {}): Promise<void> => {
    provider = await provide(init)
    transcript = await answered()
    await provide()
  }
  /** By a peer and by an engine of one's own alike. */
  const expectBoth = async (expected: object): Promise<void> => {
    for (const by of [PEER, { by: 'self', engine: fakeEngine() }] as const)
      expect(await check(asker.peer, transcript, by)).toMatchObject(expected)
  }
  /** The same key comes up again, as after a reload of the tab. */
  const restart = async (openings: OpeningKeeper): Promise<void> => {
    await provider.stop()
    provider = await provide({ key: provider.key, openings })
  }
  const keeperOf = (
    store?: OpeningStore,
    now = realClock.now.bind(realClock),
    maxJobs?: number,
  ): OpeningKeeper =>
    new OpeningKeeper({ clock: { ...realClockParts, now }, random: realRandom, store }, { maxJobs })
  const realClockParts = {
    monotonic: () => realClock.monotonic(),
    schedule: (...args: Parameters<typeof realClock.schedule>) => realClock.schedule(...args),
  }

  it('is a restart: it opens as before where its browser kept it, and keeps nothing where it did not', async () => {
    const store = new MemoryOpenings()
    await begin({ openings: keeperOf(store) })
    await until('it is kept', () => store.jobs.size === 1)
    await restart(keeperOf(store))
    await expectBoth(AGREES)
    await restart(keeperOf())
    await expectBoth(WITHHELD)
  })

  it('is a browser that gives back something else than it kept: it opens nothing rather than what it did not sign', async () => {
    const store = new MemoryOpenings()
    await begin({ openings: keeperOf(store) })
    await until('it is kept', () => store.jobs.size === 1)
    for (const [link, job] of store.jobs)
      store.jobs.set(link, { ...job, sketches: job.sketches.with(0, (job.sketches[0] ?? 0) ^ 1) })
    await restart(keeperOf(store))
    await expectBoth(WITHHELD)
  })

  it('is another engine, another price, and no offer at all', async () => {
    await begin()
    await provider.provision.stop()
    provider.provision = await offer(provider, { ...TERMS, price: pricePerToken(5n, 50n) })
    await expectBoth(AGREES)
    await provider.provision.stop()
    const { verdict } = await check(asker.peer, transcript)
    expect(['agrees', 'inconclusive']).toContain(verdict.outcome)
  })

  it('is that it keeps so many jobs and no more', async () => {
    provider = await provide({ openings: keeperOf(undefined, undefined, 1) })
    const older = await answered()
    const newer = await answered()
    await provide()
    transcript = older
    await expectBoth(WITHHELD)
    transcript = newer
    await expectBoth(AGREES)
  })

  it('is that a day has passed', async () => {
    let passed = 0
    const now = () => (realClock.now() + passed) as ReturnType<typeof realClock.now>
    await begin({ openings: keeperOf(undefined, now) })
    passed = KEEP_OPENINGS_MS - MINUTE_MS
    await expectBoth(AGREES)
    passed = KEEP_OPENINGS_MS
    await expectBoth(WITHHELD)
  })

  it('is that it goes away between two openings', async () => {
    await begin()
    await provider.node.handle(
      OPENINGS_PROTOCOL,
      async (stream: Stream, connection: Connection) => {
        const frames = new FramedStream(stream, openingsRequestSchema, realClock)
        const [first] = await provider.openings.open(await frames.receive())
        await frames.send({ type: 'opening', opening: first })
        await connection.close()
      },
      { force: true },
    )
    await expectBoth(WITHHELD)
  })

  it.each([-4, 4])('is a clock that is %d minutes off', async (minutes) => {
    const now = () => (realClock.now() + minutes * MINUTE_MS) as ReturnType<typeof realClock.now>
    await begin({ openings: keeperOf(undefined, now) })
    await expectBoth(AGREES)
  })
})

describe('a provider that opens to each what it likes', () => {
  let network: TestNetwork
  let relay: Relay
  beforeEach(async () => {
    network = new TestNetwork()
    relay = await network.relay()
  })
  afterEach(() => network[Symbol.asyncDispose]())

  it('is found by whoever gets the wrong ones, and each who got the right ones agrees', async () => {
    const provide = async (): Promise<TestPeerNode> => {
      const node = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
      const provision = node.peer.provide(fakeEngine(), TERMS)
      await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
      return node
    }
    const { node, key, openings: keeper } = await provide()
    const [one, two] = [
      await network.node({ relays: relay.addresses }),
      await network.node({ relays: relay.addresses }),
    ]
    const { events } = await hear(one.peer, promptOf())
    const [transcript] = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    await provide()
    await node.handle(
      OPENINGS_PROTOCOL,
      async (stream: Stream, connection: Connection) => {
        const frames = new FramedStream(stream, openingsRequestSchema, realClock)
        const { link, key: shown, positions } = await frames.receive()
        const right = await keeper.open({ link, key: shown, positions })
        const isForOne = peerName(connection.remotePeer.toString()) === one.peer.name
        const openings = isForOne
          ? right
          : right.map((opening) => ({
              ...opening,
              leaves: opening.leaves.map((leaf) => ({ ...leaf, sketch: leaf.sketch.toReversed() })),
            }))
        for (const opening of openings) await frames.send({ type: 'opening', opening })
        const statement = statementBytes(await signOpened({ link, positions, openings }, key))
        await frames.send({ type: 'done', optional: { statement } })
        await frames.close()
      },
      { force: true },
    )
    expect(await check(one.peer, transcript!)).toMatchObject({
      shown: 'opened',
      verdict: { outcome: 'agrees' },
    })
    expect(await check(two.peer, transcript!)).toMatchObject({
      ...{ shown: 'forged', verdict: { outcome: 'differs', difference: 'openings' } },
    })
  })
})
