import { randomBytes } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import type { PeerName } from '#shared/base/ids.ts'
import { MAX_RECORDS_STREAMS, RECORDS_PROTOCOL } from '#shared/verify/board/constants.ts'
import { GoldenBook } from '#shared/verify/board/golden-book.ts'
import { localRecords } from '#shared/verify/board/local-records.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { RecordsService } from '#shared/verify/board/records-service.ts'
import type { StakeOf } from '#shared/verify/board/staked.ts'
import { VerdictBook } from '#shared/verify/board/verdict-book.ts'
import { openGolden } from '#shared/verify/golden/golden-sketches.ts'
import { answerProtocols } from '#shared/wire/answer-protocols.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { RelayHost } from '../mount/relay-host.ts'

export interface MountRecordsInit {
  /** Whether the directory holds a live offer of this provider. */
  readonly hasOfferOf: (provider: PeerName) => boolean
  /** Who has stake, by the chain. @default nobody */
  readonly stakeOf?: StakeOf | undefined
  readonly mayIntroduce?: ((peer: PeerName) => boolean) | undefined
}

export interface MountedRecords {
  /** The registers as what lives in this process sees them. */
  readonly port: RecordsPort
  stop(): Promise<void>
}

/**
 * Keeps the registers of golden records and of verdicts on a relay, in memory. Relays do not gossip them: who makes one
 * brings it to each relay that it keeps.
 */
export async function mountRecords(
  relay: Pick<RelayHost, 'node' | 'name' | 'clientOf' | 'metrics'>,
  { hasOfferOf, stakeOf, mayIntroduce }: MountRecordsInit,
): Promise<MountedRecords> {
  const { node, name } = relay
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const golden = new GoldenBook({ clock: nodeClock, random, open: openGolden, stakeOf, mayIntroduce })
  const knows = (provider: PeerName): boolean => hasOfferOf(provider) || golden.knows(provider)
  const verdicts = new VerdictBook({ clock: nodeClock, knows, stakeOf })
  relay.metrics.watchRecords({
    golden: () => golden.size,
    verdicts: () => verdicts.size,
    lastDay: () => verdicts.lastDay,
  })
  const groupOf = (connection: Connection): string | undefined => relay.clientOf(connection)?.group
  const service = new RecordsService({ clock: nodeClock, golden, verdicts, groupOf })
  const unmount = await answerProtocols(node, [
    { protocol: RECORDS_PROTOCOL, handle: service.handle, maxInboundStreams: MAX_RECORDS_STREAMS },
  ])
  return { port: localRecords(name, { golden, verdicts }), stop: unmount }
}
