import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { RECORDS_PROTOCOL } from '../verify/board/constants.ts'
import { RemoteRecords, type RecordsPort } from '../verify/board/records-port.ts'
import { openRelayStream, relaysUp, type KeptRelays } from './relay-streams.ts'

/** Where golden records and verdicts are kept: at each relay. */
export interface RecordRegisters {
  readonly registers: readonly RecordRegister[]
  /** Calls back when relays come or go. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

export interface RecordRegister {
  readonly relay: PeerName
  readonly port: RecordsPort
}

/** The registers of the relays that a node keeps. A relay that does not speak of records refuses the stream. */
export function recordRegistersOf(
  node: Pick<Libp2p, 'getConnections'>,
  clock: Clock,
  relays: KeptRelays,
): RecordRegisters {
  return {
    get registers() {
      return relaysUp(relays).map((relay) => ({ relay, port: recordsAt(node, clock, relay) }))
    },
    onChange: (callback) => relays.onChange(callback),
  }
}

/** The registers of one relay that a node is connected to. */
export function recordsAt(node: Pick<Libp2p, 'getConnections'>, clock: Clock, relay: PeerName): RecordsPort {
  return new RemoteRecords({
    ...{ clock, relay },
    openStream: (options) => openRelayStream(node, relay, RECORDS_PROTOCOL, options),
  })
}
