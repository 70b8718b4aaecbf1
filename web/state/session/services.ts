import type { Clock } from '#shared/base/clock.ts'
import type { PeerName } from '#shared/base/ids.ts'
import type { Millis } from '#shared/base/units.ts'
import type { ModelList } from '#shared/client/model-library.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'

/** Small settings by name; an unavailable storage forgets and never throws. */
export interface SettingsStore {
  get(name: string): string | undefined
  set(name: string, value: string): void
}

/** What the browser says of the device and the tab, as far as it does. */
export interface Conditions {
  readonly hidden: boolean
  /** `undefined` where the browser does not tell. */
  readonly onBattery: boolean | undefined
  readonly metered: boolean | undefined
  onChange(callback: () => void): () => void
}

/** What every part of the page needs from outside: the clock, the device's state, the models and the network. */
export interface SessionServices {
  /** Goes by the relay's time, see `shell/relay-clock.ts`. */
  readonly clock: Clock
  /** How far the relay's clock is ahead of this computer's; less than zero for behind. */
  clockAheadMs(): Millis
  readonly settings: SettingsStore
  readonly conditions: Conditions
  /** False for a page over plain http from another machine. */
  readonly secure: boolean
  /** 16 bytes of randomness as text, to name what is kept. */
  newId(): string
  models(): Promise<ModelList>
  openMesh(
    init: Pick<MeshInit, 'purpose' | 'hidesAddress'>,
    options: { readonly signal: AbortSignal },
  ): Promise<Mesh>
  /** The name under which this browser provides, now or later; undefined where none lasts. Never throws. */
  providingName(): Promise<PeerName | undefined>
}
