import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import { recordsAt, type RecordRegisters } from '#shared/peer/record-registers.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import type { RelayHost } from '../mount/relay-host.ts'

/** Relays come and go rarely; so often it is looked who is there. */
const LOOK_MS = 5 * MINUTE_MS

/** Where what lives on a relay keeps its records: in the relay's own registers, and at the relays that it is connected to. */
export function recordRegistersOn(
  relay: Pick<RelayHost, 'name' | 'node' | 'relays'>,
  own: RecordsPort,
  clock: Clock,
): RecordRegisters {
  return {
    get registers() {
      const others = relay.relays.map((name) => ({ relay: name, port: recordsAt(relay.node, clock, name) }))
      return [{ relay: relay.name, port: own }, ...others]
    },
    onChange: (callback) => {
      let timer: { stop(): void }
      const look = (): void => {
        timer = clock.schedule(millis(LOOK_MS), look)
        callback()
      }
      timer = clock.schedule(millis(LOOK_MS), look)
      return () => timer.stop()
    },
  }
}
