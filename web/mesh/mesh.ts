import type { PeerName } from '#shared/base/ids.ts'
import type { Peer, RelayView } from '#shared/peer/peer.ts'
import type { RecordRegisters } from '#shared/peer/record-registers.ts'
import type { Seeding, SeedingInit } from '#shared/peer/seeding.ts'
import type { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import type { BindingTerms } from '#shared/settle/binding.ts'
import type { LeaveClaimsInit } from '#shared/settle/leave-claims.ts'
import type { SignedVoucher } from '#shared/settle/voucher.ts'
import type { AuditTarget } from '#shared/verify/audit/probe-schedule.ts'
import type { SignedVerdict } from '#shared/verify/board/verdict-book.ts'
import type { OpeningStore } from '#shared/verify/openings/opening-store.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import type { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import type { Verdict } from '#shared/verify/verdict.ts'

/** A tab's place in the network: a libp2p node, its relays and the peer that runs on it. */
export interface Mesh {
  readonly name: PeerName
  readonly peer: Peer
  /** Binds this tab's name to an address on the chain, see `settle/binding.ts`. */
  bind(terms: BindingTerms): Promise<Uint8Array>
  /** Puts this tab's name under what its engine found. */
  signVerdict(verdict: Verdict): Promise<SignedVerdict>
  /** Leaves vouchers with every relay that is up; gives those that one at least keeps. Never throws. */
  leaveClaims(init: LeaveClaimsInit, vouchers: readonly SignedVoucher[]): Promise<readonly SignedVoucher[]>
  /** What keeps this tab's address from those it asks: a TURN server, or the relay alone; undefined: they see it. */
  readonly hiddenBy: 'turn' | 'relay' | undefined
  /** The relays this tab keeps, and how each stands. */
  readonly relays: readonly RelayView[]
  /** Where those relays keep golden records and verdicts; one that does not speak of them refuses. */
  readonly registers: readonly RecordsPort[]
  /** Peers with an open direct connection, by name. */
  readonly directPeers: readonly PeerName[]
  /** Asks each relay at once whether it still answers, and dials anew where it does not. */
  check(): void
  /** Calls back after each change of `relays` or `directPeers`. Returns what undoes it. */
  onChange(callback: () => void): () => void
  /**
   * Providing makes the tab reachable: reservations at its relays, the Web Lock and the loopback data channel that keep
   * a hidden tab running. Resolves when the first reservation stands, throws `mesh.reservation-refused`. `stop` gives
   * all of it back.
   */
  startProviding(options?: { signal?: AbortSignal }): Promise<void>
  /**
   * This tab's part in passing on models, begun by the first call and ended by `stop`. Peers see its address:
   * undefined for a mesh that hides it.
   */
  seeding(init?: SeedingInit): Promise<Seeding | undefined>
  /** Where this tab's relays keep golden records and verdicts. Its code is loaded with the first call. */
  records(): Promise<RecordRegisters>
  stop(): Promise<void>
}

/**
 * What a mesh is opened for. A tab that does several has one for each: what it provides goes under a lasting name that
 * others look up and connect to, what it asks, and which models it fetches and passes on, under new ones that lead to
 * nothing else. See `identity.ts`.
 */
export type MeshPurpose = 'ask' | 'provide' | 'share'

export interface MeshInit {
  /** What is known of providers, and is told how they do. @default one that begins empty and ends with the mesh */
  readonly record?: ProviderRecord | undefined
  /** What brings into that record what relays keep about providers. @default nothing told is known */
  readonly toldBy?: ((registers: () => readonly RecordsPort[]) => Pick<ToldEvidence, 'consider'>) | undefined
  /** Multiaddrs of relays, the page's own first. */
  readonly relays: readonly string[]
  /** The same list as it is now, read while a relay is down. */
  readonly readRelays?: ((options: { signal: AbortSignal }) => Promise<readonly string[]>) | undefined
  /** STUN and TURN servers from the relay's configuration. @default [] */
  readonly iceServers?: readonly RTCIceServer[]
  readonly purpose: MeshPurpose
  /**
   * Keeps the tab's network address from the providers that it asks: nothing but relays and TURN servers is dialled. A
   * mesh that provides cannot hide. @default false
   */
  readonly hidesAddress?: boolean
  /** Asks this provider for this model, and nobody else. @default whoever the relays name */
  readonly only?: AuditTarget | undefined
  /** Where a mesh that provides keeps what it commits to, for after a reload. @default as long as the mesh is there */
  readonly openings?: OpeningStore | undefined
}
