import { describe, expect, it } from 'vitest'
import { peerName } from '../base/ids.ts'
import { hiddenDialAddresses, dialAddressesOf, type DialAddresses } from './dial-addresses.ts'

const [PROVIDER, KEPT, OTHER] = [
  '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5',
  '12D3KooWRBy97UB99e3J6hiPesre1MZeuNQvfan4gBziswrRJsNK',
  '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X',
].map(peerName) as [ReturnType<typeof peerName>, ReturnType<typeof peerName>, ReturnType<typeof peerName>]

/** The relay as this peer was given it, and as a stranger writes it. */
const OURS = `/dns4/relay.example/tcp/443/tls/ws/p2p/${KEPT}`
const THEIRS = `/ip4/203.0.113.7/tcp/1/ws/p2p/${KEPT}`

const at = (relay: string): string[] => [
  `${relay}/p2p-circuit/webrtc/p2p/${PROVIDER}`,
  `${relay}/p2p-circuit/p2p/${PROVIDER}`,
]
const texts = ({ direct, relayed }: DialAddresses): [string[], string[]] => [
  direct.map(String),
  relayed.map(String),
]

describe('the ways to a provider', () => {
  it('are sorted by how the answer travels, without what is not its own', () => {
    const socket = `/ip4/203.0.113.7/tcp/1/ws/p2p/${PROVIDER}`
    const [webrtc, relayed] = at(THEIRS)
    expect(texts(dialAddressesOf(PROVIDER, [...at(THEIRS), socket]))).toEqual([[webrtc, socket], [relayed]])
    expect(texts(dialAddressesOf(OTHER, at(THEIRS)))).toEqual([[], []])
    expect(texts(dialAddressesOf(PROVIDER, [`/nonsense/p2p/${PROVIDER}`]))).toEqual([[], []])
  })
})

describe('the ways that do not show who asks', () => {
  const hidden = (addresses: readonly string[], hasTurn = false, relays = [OURS], provider = PROVIDER) =>
    texts(hiddenDialAddresses(provider, addresses, { relays: () => relays, hasTurn }))

  it('never lead to a socket, nor to a relay that is not kept anyway', () => {
    expect(hidden([`/ip4/203.0.113.7/tcp/1/ws/p2p/${PROVIDER}`], true)).toEqual([[], []])
    expect(hidden([`/dnsaddr/spy.example/p2p/${PROVIDER}`], true)).toEqual([[], []])
    expect(hidden(at(`/ip4/203.0.113.7/tcp/1/ws/p2p/${OTHER}`), true)).toEqual([[], []])
  })

  it('lead to a kept relay as it was given to us, whatever host the provider names for it', () => {
    expect(hidden(at(THEIRS))).toEqual([[], [`${OURS}/p2p-circuit/p2p/${PROVIDER}`]])
    expect(hidden(at(THEIRS), true)).toEqual([
      [`${OURS}/p2p-circuit/webrtc/p2p/${PROVIDER}`],
      [`${OURS}/p2p-circuit/p2p/${PROVIDER}`],
    ])
  })

  it('go through TURN only where the provider can be called so, and one relay may be enough of two', () => {
    const [, relayed] = at(THEIRS)
    expect(hidden([relayed!], true, [OURS, `/ip4/127.0.0.1/tcp/2/ws/p2p/${OTHER}`])).toEqual([
      [],
      [`${OURS}/p2p-circuit/p2p/${PROVIDER}`],
    ])
  })

  it('do not exist to a relay that lends itself: it knows the address', () => {
    const other = `/ip4/127.0.0.1/tcp/2/ws/p2p/${OTHER}`
    expect(hidden([`${other}/p2p-circuit/p2p/${KEPT}`], true, [OURS, other], KEPT)).toEqual([[], []])
  })

  it('name nobody else at the end', () => {
    expect(hidden([`${THEIRS}/p2p-circuit/p2p/${OTHER}`, `${THEIRS}/p2p-circuit/p2p/${PROVIDER}/x`])).toEqual(
      [[], []],
    )
  })
})
