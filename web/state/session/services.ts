import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { SamplerParams } from '#shared/engine/engine.ts'
import type { Price } from '#shared/prompt/prompt.ts'
import type { Mesh, MeshInit } from '../../mesh/mesh.ts'

/** A model that can be asked for or provided, as the pages list it. */
export interface ModelChoice {
  /** The hash of its manifest: what offers name it by. */
  readonly model: ModelHash
  readonly name: string
  /** A few words on what it is good for. */
  readonly note: string
  /** Prompt and answer together, as far as this model keeps its wits. */
  readonly contextLength: number
  /** The longest answer that is asked for. */
  readonly answerTokens: number
  readonly sampler: SamplerParams
  /** Everything that is downloaded to run it. */
  readonly bytes: number
  /** What to ask for a token when the visitor has not set a price. */
  readonly suggestedPrice: Price
  /** Questions it is good at, to begin with. */
  readonly examples: readonly string[]
}

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
  readonly clock: Clock
  readonly settings: SettingsStore
  readonly conditions: Conditions
  /** False for a page over plain http from another machine. */
  readonly secure: boolean
  /** 16 bytes of randomness as text, to name what is kept. */
  newId(): string
  models(): Promise<readonly ModelChoice[]>
  openMesh(
    init: Pick<MeshInit, 'purpose' | 'hidesAddress'>,
    options: { readonly signal: AbortSignal },
  ): Promise<Mesh>
  /** The name under which this browser provides, now or later; undefined where none lasts. Never throws. */
  providingName(): Promise<PeerName | undefined>
}
