import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import { hasReservation } from '#shared/mesh/reservations.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { configWith } from '../config/load-config.ts'
import type { RelayConfig } from '../config/options.ts'
import { createRelay, type Relay, type RelayInit } from '../create-relay.ts'
import { createLog, type Logger } from '../observe/log.ts'

/** A relay on a free loopback port with a fresh identity, unless the test says otherwise. */
export async function startRelay(
  changes: Partial<RelayConfig> = {},
  init: Partial<Omit<RelayInit, 'config'>> & { readonly privateKey?: PrivateKey; readonly log?: Logger } = {},
): Promise<Relay> {
  const { privateKey = await generateKeyPair('Ed25519'), log = createLog('silent'), ...rest } = init
  const dataFolder = changes.dataFolder ?? (await temporaryFolder()).path
  const config = configWith({
    host: '127.0.0.1',
    port: 0,
    pageFolder: join(dataFolder, 'no-page'),
    ...changes,
    dataFolder,
  })
  const relay = createRelay({ privateKey, log }, { config, version: '0.0.0-test', ...rest })
  await relay.start()
  return relay
}

/**
 * A tab's half of libp2p, without WebRTC. With `listen` it asks that relay for a reservation.
 *
 * @throws Error when the relay has no place for it
 */
export async function startClient(listen: readonly string[] = []): Promise<Libp2p> {
  const node = await startLocalNode({ listen: listen.map((address) => `${address}/p2p-circuit`) })
  if (listen.length === 0 || listen.some((address) => hasReservation(node, relayIn(address)))) return node
  await node.stop()
  throw new Error('no reservation')
}

function relayIn(address: string): PeerName {
  return peerName(address.split('/p2p/').at(-1) ?? '')
}

/** Waits until it is so, and fails with its name when that takes too long. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs = 25_000,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`timed out: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** An empty folder, and what removes it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'infernet-relay-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
