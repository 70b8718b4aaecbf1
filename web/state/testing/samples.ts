import type { Clock } from '#shared/base/clock.ts'
import { modelHash, peerName, type PeerName } from '#shared/base/ids.ts'
import { baseUnits, epochMillis, millis, tokens } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { RelayView, SeenOffer, Segment } from '#shared/peer/peer.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'

const PRICE = { promptPerMillion: baseUnits(4n * 10n ** 16n), outputPerMillion: baseUnits(2n * 10n ** 17n) }

export const TINY = modelHash('a1'.repeat(32))
export const SMOL = modelHash('b2'.repeat(32))

export const GPU: GpuInspection = {
  label: 'apple metal-3',
  info: undefined,
  software: false,
  largestBufferBytes: 4 * 2 ** 30,
  halfPrecision: true,
  subgroups: false,
  problem: undefined,
}

export function named(tail: string): PeerName {
  return peerName(`12D3KooWqQ1fG8tVxkz5RzH3mYb7LwN2cPdEsUaJ9o${tail}`)
}

export function seenOffer(clock: Clock, tail: string, change: Partial<Offer> = {}, ageMs = 4000): SeenOffer {
  const issuedAt = epochMillis(clock.now() - ageMs)
  const offer: Offer = {
    provider: named(tail),
    task: 'text-generation',
    model: TINY,
    kind: 'tab',
    backend: 'webgpu',
    adapter: 'apple metal-3',
    price: PRICE,
    contextLength: tokens(1024),
    slots: 4,
    busySlots: 1,
    prefillTokensPerSecond: 900,
    decodeTokensPerSecond: 44,
    selfTest: { right: 32, total: 32 },
    addresses: [],
    sequence: 1,
    issuedAt,
    expiresAt: epochMillis(issuedAt + 60_000),
    ...change,
  }
  return { offer, relays: [named('reLay1')], expired: offer.expiresAt <= clock.now() }
}

export function relayView(tail: string, host: string, change: Partial<RelayView> = {}): RelayView {
  return {
    relay: named(tail),
    address: `/dns4/${host}/tcp/443/wss/p2p/${named(tail)}`,
    state: 'up',
    reserved: false,
    rttMs: millis(12),
    ...change,
  }
}

export function segment(tail: string, change: Partial<Segment> = {}): Segment {
  return {
    provider: named(tail),
    operator: undefined,
    kind: 'tab',
    backend: 'webgpu',
    path: 'webrtc',
    rttMs: millis(18),
    price: PRICE,
    from: 0,
    tokens: tokens(0),
    signedTokens: tokens(0),
    chunks: 0,
    due: baseUnits(0n),
    paid: baseUnits(0n),
    tokensPerSecond: 0,
    isUsageDisputed: false,
    ...change,
  }
}

/** The same model where nobody but its publisher names it. */
export function claimAlone(choice: ModelChoice): ModelChoice {
  const source = { kind: 'contract', publisher: '0x1', royaltyBps: 500 } as const
  return { ...choice, listed: { ...choice.listed, sources: [source] } }
}

/** The same model under another licence. */
export function licensed(choice: ModelChoice, id: string, isGated = false): ModelChoice {
  const licence = { ...choice.listed.entry.licence, id, isGated }
  return { ...choice, listed: { ...choice.listed, entry: { ...choice.listed.entry, licence } } }
}

const WORDS = (
  'A fox found a lantern by the frozen river. It was still warm. She carried it home in her teeth, and all along the ' +
  'bank the reeds lit up gold as she passed, and the mice came out to see what small sun had come to visit them so ' +
  'late in the year. '
).split(/(?<= )/)

/** What tokens say in tests. */
export const wordsOf = (ids: readonly number[]) => ids.map((id) => WORDS[id % WORDS.length] ?? '').join('')
