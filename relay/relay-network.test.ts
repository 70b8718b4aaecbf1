import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import { utf8 } from '#shared/base/bytes.ts'
import type { Relay } from './create-relay.ts'
import { MAX_GOSSIP_MESSAGE_BYTES, REDIAL_MAX_MS } from './base/limits.ts'
import type { NetworkInfo } from '#shared/mesh/network-info.ts'
import type { OfferTeller } from './gossip/offer-gossip.ts'
import { OFFERS_TOPIC, RELAYS_TOPIC, SHELVES_TOPIC } from './node/topics.ts'
import { createLog } from './observe/log.ts'
import { startRelay, until } from './testing/fixtures.ts'

const RECORD_MS = 600
/** What dialling and a link may take beside others; waiting longer than the longest pause takes minutes. */
const DIAL_SLACK_MS = 5000
/** For twelve relays in one process, whose dials may have to be made again. */
const CROWD_LIMIT_MS = 30_000
const running: Relay[] = []
async function relay(...init: Parameters<typeof startRelay>): Promise<Relay> {
  const started = await startRelay(init[0], { recordMs: RECORD_MS, ...init[1] })
  running.push(started)
  return started
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()))
})

const peers = (...relays: Relay[]): string[] => relays.map(({ addresses }) => addresses[0] ?? '')
const network = async (of: Relay): Promise<NetworkInfo> =>
  (await fetch(new URL('/network.json', of.httpUrl))).json() as Promise<NetworkInfo>

/** What arrives at a relay on the offers channel. */
function inbox(of: Relay): string[] {
  const seen: string[] = []
  of.offers.onMessage(async (message, { relay: from }) => {
    seen.push(`${new TextDecoder().decode(message)} from ${from}`)
    return 'accept'
  })
  return seen
}

test('two relays that both know a third find each other, and pages are told of them', async () => {
  const hub = await relay()
  const left = await relay({ peers: peers(hub) })
  const right = await relay({ peers: peers(hub) })
  await until('a full mesh', () => [hub, left, right].every(({ relays }) => relays.length === 2))
  const { otherRelays } = await network(left)
  expect([...otherRelays].sort()).toEqual(peers(hub, right).sort())
})

test('a relay of --peer that is dead is told of once, in words, and again when it is there', async () => {
  const hub = await relay()
  const { port } = new URL(hub.httpUrl)
  const address = peers(hub)
  const privateKey = await generateKeyPair('Ed25519')
  await hub.stop()
  const lines: Record<string, string>[] = []
  const log = createLog('info', {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, string>),
  })
  const left = await relay({ peers: [`/ip4/127.0.0.1/tcp/${port}/ws`] }, { log })
  const told = (): string[] =>
    lines.filter(({ scope }) => scope === 'gossip').map(({ level, msg }) => `${level} ${msg}`)
  const missed =
    'warn the relay of --peer is not reached (ECONNREFUSED: connection refused); it is tried again until it is'
  await until('the first word', () => told().length > 0)
  await relay({ port: Number(port) }, { privateKey })
  await until('the link', () => left.relays.length === 1)
  expect(told()).toEqual([missed, 'info relay joined'])
  expect(lines.find(({ msg }) => msg === missed.slice(5))).toMatchObject({
    address: address[0]?.split('/p2p/')[0],
  })
})

test('what one relay says of an offer reaches all others once, with its name', async () => {
  const hub = await relay()
  const left = await relay({ peers: peers(hub) })
  const right = await relay({ peers: peers(hub) })
  await until('links', () => hub.relays.length === 2)
  const [atHub, atRight] = [inbox(hub), inbox(right)]
  await until('the first to arrive', () => {
    if (atRight.length === 0) left.offers.publish(utf8('hello'))
    return atRight.length > 0 && atHub.length > 0
  })
  expect(new Set([...atHub, ...atRight])).toEqual(new Set([`hello from ${left.name}`]))
})

test('a relay is admitted that was named on either side; another one counts with its address block', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const hub = await relay({ admit: [privateKey.publicKey.toString()] })
  const named = await relay({ peers: peers(hub) }, { privateKey })
  const other = await relay({ peers: peers(hub) })
  await until('links', () => hub.relays.length === 2)
  const told = (at: Relay): Map<string, OfferTeller> => {
    const by = new Map<string, OfferTeller>()
    at.offers.onMessage(async (_, teller) => {
      by.set(teller.relay, teller)
      return 'accept'
    })
    return by
  }
  const [atHub, atOther] = [told(hub), told(other)]
  await until('all to be heard', () => {
    for (const each of [hub, named, other]) each.offers.publish(utf8(`hello of ${each.name}`))
    return atHub.size === 2 && atOther.size === 2
  })
  const isAdmitted = (by: Map<string, OfferTeller>, of: Relay) => by.get(of.name)?.isAdmitted
  expect([isAdmitted(atHub, named), isAdmitted(atHub, other)]).toEqual([true, false])
  expect([isAdmitted(atOther, hub), isAdmitted(atOther, named)]).toEqual([true, false])
  expect(atHub.get(other.name)?.neighbourGroup).toBe('127.0.0.1')
  hub.offers.admitBy((name) => name === other.name)
  await until('the staked one', () => {
    other.offers.publish(utf8('hello again'))
    return isAdmitted(atHub, other) === true
  })
})

test('an offer of a model that must be loaded goes where relays that cannot read it do not listen', async () => {
  const topics: string[] = []
  const hub = await relay(
    {},
    {
      mounts: [
        async ({ node }) => {
          node.services.gossip.addEventListener('message', ({ detail }) => void topics.push(detail.topic))
          return { stop: async () => undefined }
        },
      ],
    },
  )
  const left = await relay({ peers: peers(hub) })
  await until('links', () => hub.relays.length === 1)
  const atHub = inbox(hub)
  await until('both to arrive', () => {
    left.offers.publish(utf8('warm'))
    left.offers.publish(utf8('cold'), 'shelved')
    return new Set(atHub).size === 2 && [OFFERS_TOPIC, SHELVES_TOPIC].every((topic) => topics.includes(topic))
  })
  expect(new Set(topics.filter((topic) => topic !== RELAYS_TOPIC))).toEqual(
    new Set([OFFERS_TOPIC, SHELVES_TOPIC]),
  )
})

test('a relay that judges a message bad does not pass it on', async () => {
  const hub = await relay()
  const left = await relay({ peers: peers(hub) })
  // The right one alone must not be reachable for the left one, so it announces nothing that can be dialled.
  const right = await relay({ peers: peers(hub), announce: ['/dns/unreachable.invalid/tcp/443/tls/ws'] })
  await until('links', () => hub.relays.length === 2)
  hub.offers.onMessage(async (message) => (message.length === 3 ? 'reject' : 'accept'))
  const atRight = inbox(right)
  await until('the good one', () => {
    left.offers.publish(utf8('bad'))
    left.offers.publish(utf8('good'))
    return atRight.length > 0
  })
  expect(atRight.every((text) => text.startsWith('good'))).toBe(true)
})

test('a message beyond the bound is refused where it is made, and the next one still arrives', async () => {
  const hub = await relay()
  const left = await relay({ peers: peers(hub) })
  await until('links', () => hub.relays.length === 1)
  const atHub = inbox(hub)
  left.offers.publish(new Uint8Array(MAX_GOSSIP_MESSAGE_BYTES + 1))
  await until('the next', () => {
    left.offers.publish(utf8('small'))
    return atHub.length > 0
  })
  expect(atHub[0]).toBe(`small from ${left.name}`)
})

test('the link comes back after the other relay restarted', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const hub = await relay({}, { privateKey })
  const port = Number(new URL(hub.httpUrl).port)
  const left = await relay({ peers: [`/ip4/127.0.0.1/tcp/${port}/ws`] }) // without a peer id, as from a URL
  await until('the link', () => left.relays.length === 1)
  await hub.stop()
  await until('the loss', () => left.relays.length === 0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const again = await relay({ port }, { privateKey })
  const startedAt = performance.now()
  await until('the link again', () => left.relays.length === 1 && again.relays.length === 1, 20_000)
  expect(performance.now() - startedAt).toBeLessThan(REDIAL_MAX_MS + DIAL_SLACK_MS)
})

test('a relay that is told to join itself says so and goes on', async () => {
  const first = await relay()
  const port = Number(new URL(first.httpUrl).port)
  await first.stop()
  const itself = await relay({ port, peers: [`/ip4/127.0.0.1/tcp/${port}/ws`] })
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(itself.relays).toEqual([])
  expect((await fetch(new URL('/health', itself.httpUrl))).status).toBe(200)
})

test('more relays than the gossip score would allow from one address all hear a message', async () => {
  const hub = await relay({ connectionsPerIp: 1000, connectionsPerIpPerSecond: 1000 })
  const others: Relay[] = []
  // Not dialable for each other, so all of them depend on the hub: a star, as at the start of a network.
  for (let i = 0; i < 12; i++)
    others.push(await relay({ peers: peers(hub), announce: [`/dns/r${i}.invalid/tcp/443/tls/ws`] }))
  await until('the star', () => hub.relays.length === 12, CROWD_LIMIT_MS)
  const inboxes = [hub, ...others.slice(1)].map((each) => inbox(each))
  await until(
    'all to hear',
    () => {
      if (inboxes.some((seen) => seen.length === 0)) others[0]?.offers.publish(utf8('news'))
      return inboxes.every((seen) => seen.length > 0)
    },
    CROWD_LIMIT_MS,
  )
}, 90_000)
