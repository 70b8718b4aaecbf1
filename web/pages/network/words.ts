import { shortPeerName } from '#shared/base/ids.ts'
import type { RelayView } from '#shared/peer/peer.ts'
import type { Network, OfferRow } from '../../state/shell/network.svelte.ts'
import type { Session } from '../../state/session/session.svelte.ts'
import {
  formatMillis,
  formatPrice,
  formatSpan,
  formatSpeed,
  providersInWords,
  plural,
} from '../../ui/format.ts'
import type { MeshNode } from '../../ui/mesh-layout.ts'
import { providerHref } from '../provider-link.ts'

/** The one sentence, and where it is known from. */
export function headWords(session: Session): { readonly title: string; readonly say: string } {
  const { tabs, servers } = session.providers
  const up = session.relays.filter((relay) => relay.state === 'up').length
  if (session.stage === 'failed') return { title: 'Not connected.', say: 'This tab can’t see the network.' }
  if (session.stage === 'no-relay') return noRelay(session)
  if (session.stage === 'checking')
    return {
      title: 'Checking the connection.',
      say: `The relay has not answered for a moment. This page dials it anew if it stays silent.${ageWords(session)}`,
    }
  if (session.stage === 'outdated')
    return { title: 'This page is too old.', say: 'The relays speak a newer version. Reload the page.' }
  if (session.silent)
    return {
      title: 'Can’t see who is online yet.',
      say: `The relay is connected, but has not said who lends. Trying again.${ageWords(session)}`,
    }
  if (session.takenAt === undefined)
    return { title: 'Finding the network.', say: 'Asking the relays that this tab knows.' }
  if (tabs + servers === 0 && session.unread.size > 0)
    return { title: 'No offer that this page can use.', say: unreadWords(session) }
  const more = session.unconfirmed.length
  const unconfirmed = more > 0 ? ` ${plural(more, 'more is', 'more are')} unconfirmed.` : ''
  const verb = tabs + servers === 1 ? 'is' : 'are'
  return {
    title:
      tabs + servers === 0
        ? 'Nobody is lending right now.'
        : `${providersInWords(session.providers)} ${verb} lending.`,
    say: `Counted from signed offers less than 60 s old, seen through ${plural(up, 'relay')}, ${formatSpan(session.now - session.takenAt)} ago.${unconfirmed}`,
  }
}

/** Offers that relays list and this page cannot use: not "nobody lends", and no more than is known of why. */
export function unreadWords({ unread }: Session): string {
  const late = [...unread.values()].filter(({ code }) => code === 'schedule.offer-expired').length
  const named = plural(unread.size, 'provider is', 'providers are')
  if (late === unread.size)
    return `${named} listed, but the offers are out of date by the relay’s clock: a clock may be wrong there.`
  return `${named} listed, but this page can’t read the offers. A newer page may: reload it.`
}

function noRelay(session: Session): { readonly title: string; readonly say: string } {
  return {
    title: 'No relay answers.',
    say: `Open connections keep working, but you can’t find new tabs. This page dials every relay it knows again and again.${ageWords(session)}`,
  }
}

function ageWords(session: Session): string {
  if (session.takenAt === undefined) return ''
  return ` What you see below is ${formatSpan(session.now - session.takenAt)} old.`
}

/** The host of a multiaddr, as a person would write it. */
function hostOf(address: string): string {
  const [, family, host, , port] = address.split('/')
  if (!family || !host) return address || 'relay'
  return /^(dns|ip)/.test(family) ? `${host}${port && port !== '443' ? `:${port}` : ''}` : address
}

const RELAY_STATES: Readonly<
  Record<RelayView['state'], { readonly kind: 'ok' | 'bad' | 'unknown'; readonly word: string }>
> = {
  up: { kind: 'ok', word: 'confirmed' },
  connecting: { kind: 'unknown', word: 'unconfirmed' },
  checking: { kind: 'unknown', word: 'checking' },
  down: { kind: 'bad', word: 'no answer' },
  newer: { kind: 'bad', word: 'newer than this page' },
  older: { kind: 'bad', word: 'older than this page' },
}

export function relayRows(relays: readonly RelayView[]) {
  return relays.map((relay) => ({
    host: hostOf(relay.address),
    ...RELAY_STATES[relay.state],
    rtt: relay.rttMs === undefined ? '—' : formatMillis(relay.rttMs),
    note: relay.reserved ? 'keeps a place for this tab' : undefined,
  }))
}

export function offerRows(network: Network) {
  return network.offers.map((row) => {
    const { offer, measured } = row
    return {
      key: `${offer.provider}${offer.model}`,
      provider: offer.provider,
      href: providerHref(offer.provider),
      badges: [
        ...(row.mine ? ['this tab'] : []),
        ...(offer.kind === 'node' ? ['server'] : []),
        ...(offer.backend === 'wasm' ? ['CPU'] : []),
      ],
      model: row.modelName ?? `${offer.model.slice(0, 8)}…`,
      price: formatPrice(offer.price.outputPerMillion),
      speed: formatSpeed(offer.decodeTokensPerSecond),
      places: `${offer.busySlots} of ${offer.slots}`,
      roundTrip: measured ? formatMillis(measured.ms) : '—',
      selfTest: `${offer.selfTest.right} of ${offer.selfTest.total} right`,
      quiet: !row.live,
      kind: row.answering ? ('live' as const) : row.live ? ('ok' as const) : ('unknown' as const),
      status: row.answering
        ? 'answering you'
        : row.live
          ? `live, ${formatSpan(row.ageMs)} ago`
          : `unconfirmed, ${formatSpan(row.ageMs)}`,
    }
  })
}

/** Relays and providers as the map shows them, each machine once: a relay that provides too is one mark with both roles. */
export function meshNodes(session: Session, network: Network): MeshNode[] {
  const nodes = new Map<string, MeshNode>()
  for (const relay of session.relays) {
    // One relay may be known under several addresses: the one that answers speaks for it.
    const known = nodes.get(relay.relay)
    if (!known || (known.state !== 'ok' && relay.state === 'up')) nodes.set(relay.relay, relayNode(relay))
  }
  const direct = new Set<string>(session.directPeers)
  const providers = new Set<string>()
  for (const row of network.offers) {
    const { provider } = row.offer
    if (row.mine || providers.has(provider)) continue
    providers.add(provider)
    const relay = nodes.get(provider)
    const via = session.live.find((each) => each.offer === row.offer)?.relays[0]
    nodes.set(provider, relay ? providingRelay(relay, row) : providerNode(row, via, direct.has(provider)))
  }
  return [...nodes.values()]
}

/** The map for who cannot see it. */
export function meshLabel(nodes: readonly MeshNode[]): string {
  const relays = nodes.filter(({ kind }) => kind !== 'peer').length
  const providers = nodes.filter(({ kind }) => kind !== 'relay').length
  const both = relays + providers - nodes.length
  const shared = both > 0 ? `, ${both} of them in both roles` : ''
  return `${plural(relays, 'relay')} and ${plural(providers, 'provider')} around this tab${shared}`
}

function relayNode({ relay, rttMs, state, address }: RelayView): MeshNode {
  return {
    id: relay,
    kind: 'relay',
    ms: rttMs,
    state: state === 'up' ? 'ok' : 'unknown',
    link: state === 'up' ? 'direct' : undefined,
    via: undefined,
    label: hostOf(address),
  }
}

/** Nobody introduces a relay to this tab, so no line leads to it from another. */
function providingRelay(relay: MeshNode, { live, measured, answering }: OfferRow): MeshNode {
  return {
    ...relay,
    kind: 'both',
    ms: relay.ms ?? measured?.ms,
    state: live || relay.state === 'ok' ? 'ok' : 'unknown',
    link: answering ? 'now' : relay.link,
    label: `${relay.label}, lends`,
  }
}

function providerNode(
  { offer, live, measured, answering }: OfferRow,
  via: string | undefined,
  isDirect: boolean,
): MeshNode {
  const relayed = measured?.path === 'relayed' ? 'relayed' : undefined
  return {
    id: offer.provider,
    kind: 'peer',
    ms: measured?.ms,
    state: live ? 'ok' : 'unknown',
    link: answering ? 'now' : isDirect ? 'direct' : relayed,
    via,
    label: `${shortPeerName(offer.provider)}${measured ? `, ${formatMillis(measured.ms)}` : ''}`,
  }
}
