import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair as libp2pStreamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { modelHash, peerName, type ModelHash, type PeerName } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { epochMillis, tokens, type EpochMillis } from '../base/units.ts'
import { offerBody, type Offer, type SignedOffer } from '../schedule/offer.ts'
import { sign } from '../wire/signed.ts'
import { pricePerToken } from './prices.ts'

/** Somebody with a key of their own. */
export interface TestPeer {
  readonly name: PeerName
  readonly key: PrivateKey
}

export async function makePeer(): Promise<TestPeer> {
  const key = await generateKeyPair('Ed25519')
  return { key, name: peerName(peerIdFromPrivateKey(key).toString()) }
}

/** A model's hash of one repeated digit. */
export function someModel(digit = 'a'): ModelHash {
  return modelHash(digit.repeat(64))
}

/** Bytes that count up, so that a test can be repeated. */
export function countingRandom(start = 1): Random {
  let next = start
  return { bytes: (length) => Uint8Array.from({ length }, () => next++ & 0xff) }
}

/** Two streams joined in memory, and a connection object that says who is at the other end. */
export async function connectedStreams(
  remote: TestPeer,
): Promise<{ ours: Stream; theirs: Stream; connection: Connection }> {
  const [ours, theirs] = await libp2pStreamPair()
  const connection = {
    remotePeer: peerIdFromPrivateKey(remote.key),
    remoteAddr: multiaddr(`/ip4/127.0.0.1/tcp/1/ws/p2p/${remote.name}`),
    limits: undefined,
    abort: () => undefined,
  } as unknown as Connection
  return { ours, theirs, connection }
}

/** A valid offer, changed at will. */
export function someOffer(
  now: EpochMillis,
  changes: Partial<Omit<Offer, 'provider'>> = {},
): Omit<Offer, 'provider'> {
  return {
    task: 'text-generation',
    model: someModel(),
    kind: 'tab',
    backend: 'webgpu',
    adapter: 'a gpu',
    price: pricePerToken(1n, 10n),
    contextLength: tokens(1024),
    slots: 1,
    busySlots: 0,
    prefillTokensPerSecond: 500,
    decodeTokensPerSecond: 50,
    selfTest: { right: 32, total: 32 },
    addresses: [],
    sequence: 1,
    issuedAt: now,
    expiresAt: epochMillis(now + 60_000),
    ...changes,
  }
}

export async function signOffer(peer: TestPeer, offer: Omit<Offer, 'provider'>): Promise<SignedOffer> {
  return { provider: peer.name, offer: await sign('offer', offerBody(offer), peer.key) }
}
