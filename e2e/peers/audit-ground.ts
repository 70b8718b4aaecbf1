import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerName, type PeerName } from '#shared/base/ids.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { findVerdicts, type FoundVerdict } from '#shared/verify/board/find-records.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { mountAudit, type MountAuditComponents } from '../../relay/audit/mount-audit.ts'
import type { Purses } from '../../relay/audit/purse/purses.ts'
import { locateIn } from '../../relay/config/models-folder.ts'
import { mountDirectory, type MountedDirectory } from '../../relay/directory/mount-directory.ts'
import { recordRegistersOn } from '../../relay/directory/record-registers.ts'
import { createLog, type Logger } from '../../relay/observe/log.ts'
import { createNodeEngine } from '../../relay/provide/node-engine.ts'
import { startRelay, until } from '../../relay/testing/fixtures.ts'
import { OWN_SOCKET, TERMS, TestNetwork, type NodeInit, type TestPeerNode } from './test-network.ts'

const MODELS = fileURLToPath(new URL('../../web/public/models/', import.meta.url))
/** Fast enough for a test; a relay takes 600 at most. */
const PROBES_PER_HOUR = 3600

export type AuditGround = Awaited<ReturnType<typeof startAuditGround>>

export interface AuditGroundInit {
  /** What the auditor pays with. @default nothing */
  readonly purses?: Purses
  /** What reads answers at the relay. @default an engine of its own */
  readonly reads?: MountAuditComponents['engine']
  readonly log?: Logger
}

/** A relay that audits, an engine to provide with, and a peer that reads what the relay keeps. */
export async function startAuditGround({ purses, reads, log = createLog('silent') }: AuditGroundInit = {}) {
  const network = new TestNetwork()
  const privateKey = await generateKeyPair('Ed25519')
  const mounted: { directory?: MountedDirectory } = {}
  const relay = await startRelay(
    {},
    {
      privateKey,
      mounts: [
        async (host) => {
          const directory = await mountDirectory(host)
          mounted.directory = directory
          const records = recordRegistersOn(host, directory.records, realClock)
          const audit = await mountAudit(
            host,
            {
              ...{ clock: realClock, log, key: privateKey, records, purses, engine: reads },
              directory: directory.port,
            },
            { locate: locateIn([MODELS]), probesPerHour: PROBES_PER_HOUR },
          )
          return {
            stop: async () => {
              await audit.stop()
              await directory.stop()
            },
          }
        },
      ],
    },
  )
  const own = mounted.directory?.records
  if (!own) throw new Error('no directory')
  const { manifest } = await readTinyModel('fp32')
  const engine: Engine = await createNodeEngine({ manifest, modelFolder: `${MODELS}infernet-tiny` })
  const reader = await network.node({ relays: relay.addresses })

  async function provide(
    served: Engine,
    place: 'behind the relay' | 'at a socket',
    payee?: NodeInit['payee'],
  ): Promise<PeerName> {
    const listen = place === 'at a socket' ? [OWN_SOCKET] : []
    const init = { listen, relays: relay.addresses, ...(payee && { payee }) }
    const who: TestPeerNode = await network.node(init)
    if (place === 'behind the relay') await who.joined.provide()
    const provision = who.peer.provide(served, TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return peerName(who.node.peerId.toString())
  }
  const read = (ports: readonly RecordsPort[], provider: PeerName): Promise<readonly FoundVerdict[]> =>
    findVerdicts(ports, provider, { now: () => realClock.now() })
  const portsOfReader = (): readonly RecordsPort[] =>
    recordRegistersOf(reader.node, realClock, reader.joined).registers.map(({ port }) => port)

  return {
    ...{ relay, engine, provide, portsOfReader },
    /** Verdicts as another peer reads them. */
    readBy: (provider: PeerName) => read(portsOfReader(), provider),
    /** The same from the relay's own registers, which may be asked as often as a test looks. */
    keptOf: (provider: PeerName) => read([own], provider),
    stop: async () => {
      await network[Symbol.asyncDispose]()
      await engine.close()
      await relay.stop()
    },
  }
}
