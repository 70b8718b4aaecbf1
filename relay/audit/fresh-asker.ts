import { randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { webSockets } from '@libp2p/websockets'
import type { Clock } from '#shared/base/clock.ts'
import { isLocalHost } from '#shared/base/local-host.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { createNode } from '#shared/mesh/create-node.ts'
import { JoinedRelays } from '#shared/mesh/joined-relays.ts'
import { createPeer, type RelaySource } from '#shared/peer/create-peer.ts'
import { onlyProvider } from '#shared/peer/only-provider.ts'
import type { Peer } from '#shared/peer/peer.ts'
import type { DirectoryPort } from '#shared/schedule/directory-port.ts'
import type { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import type { AuditTarget } from '#shared/verify/audit/probe-schedule.ts'
import { parseSocketAddress } from '../base/socket-address.ts'

/** A relay that is there answers a newcomer within this. */
const JOIN_DEADLINE_MS = 10 * SECOND_MS

/** A peer with a name that nobody has seen, joined to relays as any tab is. */
export interface FreshAsker {
  /** Knows the target alone, and so asks nobody else. */
  readonly asker: Peer
  /** Knows whom the relays know. */
  readonly checker: Peer
  /** Leaves. Never throws. */
  stop(): Promise<void>
}

export interface FreshAskerComponents {
  readonly clock: Clock
  /** Knows the target's newest offer. */
  readonly directory: DirectoryPort
  /** Offers that are looked through for the target's. */
  readonly limit: number
  /** What is known of providers, and is told how the target does. @default one that ends with this asker */
  readonly record?: ProviderRecord | undefined
}

export interface FreshAskerInit {
  /** Full addresses of relays, the best first. */
  readonly relays: readonly string[]
  /** Goes through the relays, as a page that hides its address does: a provider does not see from where it is asked. */
  readonly hides: boolean
  readonly target: AuditTarget
}

/**
 * Makes one, connected to a relay.
 *
 * @throws InfernetError `schedule.no-relay`, or the signal's reason
 */
export async function createFreshAsker(
  { clock, directory, record, limit }: FreshAskerComponents,
  { relays, hides, target }: FreshAskerInit,
  { signal }: { readonly signal: AbortSignal },
): Promise<FreshAsker> {
  const key = await generateKeyPair('Ed25519')
  const isLocal = relays.some((address) => isLocalHost(parseSocketAddress(address)?.host ?? ''))
  const node = await createNode({ key, transports: [webSockets()] }, { isLocal })
  const joined = new JoinedRelays({ node, clock }, relays)
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const peerOver = (source: RelaySource, hiding: { readonly hasTurn: false } | undefined): Peer =>
    createPeer({ node, key, clock, random, relays: source, record }, { kind: 'node', hiding })
  const onlyTarget = onlyProvider(joined, target, { directories: () => [directory], limit })
  const asker = peerOver(onlyTarget, hides ? { hasTurn: false } : undefined)
  // Who reads an answer for an auditor knows that it does; and who listens at a socket could not be asked otherwise.
  const checker = peerOver(joined, undefined)
  const stop = async (): Promise<void> => {
    await Promise.allSettled([asker.stop(), checker.stop()])
    joined.stop()
    await Promise.resolve(node.stop()).catch(() => undefined)
  }
  try {
    await untilUp(joined, clock, signal)
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return { asker, checker, stop }
}

async function untilUp(joined: JoinedRelays, clock: Clock, signal: AbortSignal): Promise<void> {
  const isUp = (): boolean => joined.directories.length > 0
  const up = new AbortController()
  const stop = joined.changes.listen(() => void (isUp() && up.abort()))
  if (!isUp())
    await sleep(clock, millis(JOIN_DEADLINE_MS), { signal: AbortSignal.any([signal, up.signal]) }).catch(
      () => undefined,
    )
  stop()
  signal.throwIfAborted()
  if (!isUp()) throw new InfernetError('schedule.no-relay')
}
