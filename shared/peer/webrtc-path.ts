import type { Connection } from '@libp2p/interface'

/** What there is of an `RTCPeerConnection` in a tab and in Node. */
interface Measured {
  getStats(): Promise<{ forEach(each: (entry: StatsEntry) => void): void }>
}

/** The members of `RTCStats` that name a chosen path: https://www.w3.org/TR/webrtc-stats/ */
interface StatsEntry {
  readonly id: string
  readonly type: string
  readonly candidateType?: string
  readonly address?: string
  readonly ip?: string
  readonly port?: number
  readonly localCandidateId?: string
  readonly remoteCandidateId?: string
  readonly selectedCandidatePairId?: string
  readonly selected?: boolean
  readonly nominated?: boolean
  readonly state?: string
}

/** Connections that were found to run through a TURN server when they were last looked at. */
const turned = new WeakSet<Connection>()

/** What {@link measureTurn} found last. */
export function isTurned(connection: Connection): boolean {
  return turned.has(connection)
}

/**
 * Whether a WebRTC connection's bytes go through a TURN server now, at either end: ICE takes such a path by itself where
 * a firewall leaves no other. False also where the connection does not tell.
 */
export async function measureTurn(connection: Connection): Promise<boolean> {
  const rtc = peerConnectionOf(connection)
  const entries = rtc ? await entriesOf(rtc) : []
  const pair = chosenPair(entries)
  const ends = [pair?.localCandidateId, pair?.remoteCandidateId]
  const isTurn = entries.some((entry) => ends.includes(entry.id) && isRelay(entry, entries))
  if (isTurn) turned.add(connection)
  else turned.delete(connection)
  return isTurn
}

/** libp2p does not show what a connection runs on; its pinned version keeps it here. */
function peerConnectionOf(connection: Connection): Measured | undefined {
  return (connection as unknown as { maConn?: { peerConnection?: Measured } }).maConn?.peerConnection
}

async function entriesOf(rtc: Measured): Promise<readonly StatsEntry[]> {
  const entries: StatsEntry[] = []
  try {
    const report = await rtc.getStats()
    report.forEach((entry) => entries.push(entry))
  } catch {
    // It is closing: whoever opens a stream on it will hear so.
  }
  return entries
}

function chosenPair(entries: readonly StatsEntry[]): StatsEntry | undefined {
  const chosen = entries.find(({ type }) => type === 'transport')?.selectedCandidatePairId
  const pairs = entries.filter(({ type }) => type === 'candidate-pair')
  return (
    pairs.find(({ id }) => id === chosen) ??
    pairs.find(({ selected }) => selected === true) ?? // Firefox
    pairs.find(({ nominated, state }) => nominated === true && state === 'succeeded') ??
    (pairs.length === 1 ? pairs[0] : undefined)
  )
}

/** A relay's address that was seen before it was told of is called reflexive. */
function isRelay(end: StatsEntry, entries: readonly StatsEntry[]): boolean {
  if (end.candidateType === 'relay') return true
  return entries.some(
    (entry) =>
      entry.type === end.type &&
      entry.candidateType === 'relay' &&
      entry.port === end.port &&
      addressOf(entry) !== undefined &&
      addressOf(entry) === addressOf(end),
  )
}

function addressOf({ address, ip }: StatsEntry): string | undefined {
  return address ?? ip
}
