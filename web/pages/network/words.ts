import { shortPeerName } from '#shared/base/ids.ts'
import type { RelayView } from '#shared/peer/peer.ts'
import type { Network } from '../../state/network.svelte.ts'
import type { Session } from '../../state/session.svelte.ts'
import {
  formatMillis,
  formatPrice,
  formatSpan,
  formatSpeed,
  lendersInWords,
  plural,
} from '../../ui/format.ts'
import type { MeshNode } from '../../ui/mesh-layout.ts'

/** The one sentence, and where it is known from. */
export function headWords(session: Session): { readonly title: string; readonly say: string } {
  const { tabs, servers } = session.lenders
  const up = session.relays.filter((relay) => relay.state === 'up').length
  if (session.stage === 'failed')
    return { title: 'Not connected.', say: 'Nothing can be said of the network from here.' }
  if (session.stage === 'no-relay') return noRelay(session)
  if (session.stage === 'outdated')
    return { title: 'This page is too old.', say: 'The relays speak a newer version. Reload the page.' }
  if (session.silent)
    return {
      title: 'The relay tells nothing.',
      say: `It is connected, but does not say who lends. This page keeps asking.${ageWords(session)}`,
    }
  if (session.takenAt === undefined)
    return { title: 'Finding the network.', say: 'Asking the relays that this tab knows.' }
  const more = session.unconfirmed.length
  const unconfirmed = more > 0 ? ` ${plural(more, 'more is', 'more are')} unconfirmed.` : ''
  const verb = tabs + servers === 1 ? 'is' : 'are'
  return {
    title:
      tabs + servers === 0
        ? 'Nobody is lending right now.'
        : `${lendersInWords(session.lenders)} ${verb} lending.`,
    say: `Counted from signed offers less than 60 s old, seen through ${plural(up, 'relay')}, ${formatSpan(session.now - session.takenAt)} ago.${unconfirmed}`,
  }
}

function noRelay(session: Session): { readonly title: string; readonly say: string } {
  return {
    title: 'No relay answers.',
    say: `Open connections keep working, but you can’t find new tabs. This page keeps trying.${ageWords(session)}`,
  }
}

function ageWords(session: Session): string {
  if (session.takenAt === undefined) return ''
  return ` What stands below is ${formatSpan(session.now - session.takenAt)} old.`
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
  down: { kind: 'bad', word: 'no answer' },
  newer: { kind: 'bad', word: 'newer than this page' },
  older: { kind: 'bad', word: 'older than this page' },
}

export function relayRows(relays: readonly RelayView[]) {
  return relays.map((relay) => ({
    id: `${relay.relay}${relay.address}`,
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

/** Relays and lenders as the map shows them; who lends several models stands there once. */
export function meshNodes(session: Session, network: Network): MeshNode[] {
  const relays = session.relays.map((relay): MeshNode => ({
    id: relay.relay,
    kind: 'relay',
    ms: relay.rttMs,
    state: relay.state === 'up' ? 'ok' : 'unknown',
    link: relay.state === 'up' ? 'direct' : undefined,
    via: undefined,
    label: hostOf(relay.address),
  }))
  const direct = new Set(session.directPeers)
  const peers = new Map<string, MeshNode>()
  for (const { offer, live, measured, answering, mine } of network.offers) {
    if (mine || peers.has(offer.provider)) continue
    const seen = session.live.find((each) => each.offer === offer)
    const relayed = measured?.path === 'relayed' ? 'relayed' : undefined
    peers.set(offer.provider, {
      id: offer.provider,
      kind: 'peer',
      ms: measured?.ms,
      state: live ? 'ok' : 'unknown',
      link: answering ? 'now' : direct.has(offer.provider) ? 'direct' : relayed,
      via: seen?.relays[0],
      label: `${shortPeerName(offer.provider)}${measured ? `, ${formatMillis(measured.ms)}` : ''}`,
    })
  }
  return [...relays, ...peers.values()]
}
