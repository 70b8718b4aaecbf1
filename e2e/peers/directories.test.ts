import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { DirectoryPort } from '#shared/schedule/directory-port.ts'
import { offerBody, type Offer, type SignedOffer } from '#shared/schedule/offer.ts'
import { makePeer, signOffer, someModel, someOffer, type TestPeer } from '#shared/testing/peers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { sign } from '#shared/wire/signed.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { OFFERS_TOPIC } from '../../relay/node/topics.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { fakeEngine, hear, MODEL, OWN_SOCKET, promptOf, TERMS, TestNetwork } from './test-network.ts'

/** A directory that says what the test wants. */
function directoryOf(offers: readonly SignedOffer[], relay = 'a liar'): DirectoryPort {
  return {
    relay: peerName(relay),
    announce: () => Promise.reject(new InfernetError('schedule.directory-full')),
    withdraw: () => Promise.resolve(),
    query: () => Promise.resolve({ offers, total: offers.length }),
    watch: () => () => undefined,
  }
}

describe('what relays say of the network', () => {
  let network: TestNetwork
  let honest: TestPeer
  let liar: TestPeer

  beforeEach(async () => {
    network = new TestNetwork()
    honest = await makePeer()
    liar = await makePeer()
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const now = (): ReturnType<typeof realClock.now> => realClock.now()
  const offerOf = (changes: Partial<Omit<Offer, 'provider'>> = {}) =>
    someOffer(now(), { model: MODEL, ...changes })

  it('is not believed when it is forged, borrowed, old, or about something else', async () => {
    const forged = await signOffer(liar, offerOf())
    const true_ = await signOffer(honest, offerOf())
    const flipped = Uint8Array.from(true_.offer.body)
    flipped[20] = (flipped[20] ?? 0) ^ 1
    const tombstone = { model: new Uint8Array(32), sequence: 1, issuedAt: now() }
    const lies: SignedOffer[] = [
      { provider: honest.name, offer: forged.offer },
      { provider: honest.name, offer: { ...true_.offer, body: flipped } },
      { provider: peerName('nobody'), offer: true_.offer },
      { provider: honest.name, offer: await sign('quote', offerBody(offerOf()), honest.key) },
      { provider: honest.name, offer: await sign('drain', tombstone, honest.key) },
      await signOffer(
        honest,
        offerOf({ issuedAt: epochMillis(now() - 70_000), expiresAt: epochMillis(now() - 10_000) }),
      ),
      await signOffer(honest, offerOf({ expiresAt: epochMillis(now() + 600_000) })),
      await signOffer(
        honest,
        offerOf({ issuedAt: epochMillis(now() + 30_000), expiresAt: epochMillis(now() + 60_000) }),
      ),
      await signOffer(honest, offerOf({ model: someModel('b') })),
    ]
    const { peer } = await network.node({ directories: [directoryOf(lies)] })
    expect((await peer.look({ model: MODEL })).offers).toEqual([])
    await expect(hear(peer, promptOf())).rejects.toMatchObject({ code: 'schedule.no-provider' })
  })

  it('cannot keep an honest relay from being heard', async () => {
    const relay = await network.relay()
    const provider = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = provider.peer.provide(fakeEngine(), TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    const stolen = await signOffer(liar, { ...offerOf(), sequence: 2 ** 50 })
    const lies = [{ provider: provider.peer.name, offer: stolen.offer }]
    const broken = { ...directoryOf([]), query: () => Promise.reject(new Error('no')) }
    const honestOne = await network.client(relay.addresses)
    const directories = [directoryOf(lies), broken, directoryOf([]), honestOne]
    const consumer = await network.node({ directories })
    const { offers } = await consumer.peer.look({ model: MODEL })
    expect(offers).toMatchObject([{ offer: { provider: provider.peer.name }, relays: [relay.name] }])
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })

  it('is why an offer is not taken: a relay in maintenance says so to who brings one', async () => {
    const folder = await temporaryFolder()
    network.defer(folder.remove)
    const controlFile = join(folder.path, 'control.json')
    await writeFile(controlFile, '{"maintenance": true}')
    const relay = await network.relay({ controlFile })
    const provider = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = provider.peer.provide(fakeEngine(), TERMS)
    await until('the relay has said no', () => provision.offerRefusal !== undefined)
    expect(provision).toMatchObject({
      offerAcceptedAt: undefined,
      offerRefusal: { code: 'schedule.maintenance' },
    })
    await writeFile(controlFile, '{}')
    relay.reload()
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    expect(provision.offerRefusal).toBeUndefined()
  })

  it('is merged: each provider once, with every relay that named it, and one relay may vanish', async () => {
    const relays = [await network.relay(), await network.relay()]
    const addresses = relays.flatMap((relay) => relay.addresses)
    const provider = await network.node({ listen: [OWN_SOCKET], relays: addresses })
    const second = await network.node({ listen: [OWN_SOCKET], relays: relays[1]?.addresses ?? [] })
    for (const { peer } of [provider, second]) {
      const provision = peer.provide(fakeEngine(), TERMS)
      await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    }
    const consumer = await network.node({ relays: addresses })
    const named = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await consumer.peer.look({ model: MODEL })).offers.map(({ offer, relays: by }) => [
          offer.provider,
          by.length,
        ]),
      )
    await expect.poll(named, { timeout: 10_000 }).toEqual({ [provider.peer.name]: 2, [second.peer.name]: 1 })
    await relays[0]?.stop()
    await expect.poll(named, { timeout: 10_000 }).toEqual({ [provider.peer.name]: 1, [second.peer.name]: 1 })
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })

  it('reaches a relay through another one that knows it', { timeout: 30_000 }, async () => {
    const first = await network.relay()
    const second = await network.relay({ peers: [...first.addresses] })
    // The type of the service has no word for it.
    const heardBy = ({ node }: Relay): readonly string[] =>
      (node.services.gossip as unknown as { getMeshPeers(topic: string): string[] }).getMeshPeers(
        OFFERS_TOPIC,
      )
    await until('the relays hear each other', () => heardBy(first).length + heardBy(second).length === 2)
    const provider = await network.node({ listen: [OWN_SOCKET], relays: first.addresses })
    provider.peer.provide(fakeEngine(), TERMS)
    const consumer = await network.node({ relays: second.addresses })
    await until(
      'the offer came across',
      async () => (await consumer.peer.look({ model: MODEL })).offers.length === 1,
    )
    expect((await hear(consumer.peer, promptOf())).tokens).toHaveLength(80)
  })
})
