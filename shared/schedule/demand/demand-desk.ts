import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import type { Millis } from '../../base/units.ts'
import type { Directory } from '../directory.ts'
import { DEMAND_RECORD_MS } from './constants.ts'
import type { DemandMeter } from './demand-meter.ts'
import { sealDemand } from './demand-record.ts'

export interface DemandDeskComponents {
  readonly clock: Clock
  /** The relay's own. */
  readonly key: PrivateKey
  readonly meter: Pick<DemandMeter, 'top'>
  readonly directory: Pick<Directory, 'countLoaded'>
}

/** Keeps a relay's signed record of what is wanted, made anew once a minute and only when somebody asks. */
export class DemandDesk {
  readonly #components: DemandDeskComponents
  #made: { readonly at: Millis; readonly record: Promise<Uint8Array> } | undefined

  constructor(components: DemandDeskComponents) {
    this.#components = components
  }

  /** Undefined where nothing was settled that this relay has seen: it has no word to give. */
  async record(): Promise<Uint8Array | undefined> {
    const { clock, key, meter, directory } = this.#components
    const at = clock.monotonic()
    if (this.#made && at - this.#made.at < DEMAND_RECORD_MS) return this.#made.record
    const models = meter.top().map((each) => ({ ...each, loaded: directory.countLoaded(each.model) }))
    if (models.length === 0) return undefined
    const record = sealDemand(models, { key, now: clock.now() })
    this.#made = { at, record }
    return record
  }
}
