import type { ModelHash } from '#shared/base/ids.ts'
import type { EpochMillis } from '#shared/base/units.ts'
import type { Dtype } from '#shared/models/manifest.ts'
import type { OriginState } from '#shared/models/pieces/fetch-progress.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import type { SessionServices } from '../session/services.ts'
import type { TokenOf } from './hub-token.ts'

/** What its publisher says of who may use a model. */
export interface LicenceFacts {
  /** The id on its card, e.g. `apache-2.0`. */
  readonly id: string
  /** Where it can be read. */
  readonly link?: string | undefined
  /** What may not be passed on is never sent to peers. */
  readonly mayPassOn: boolean
  /** Its hub gives it only to accounts that accepted its terms. */
  readonly isGated: boolean
}

/** A model that is known, and how much of it is here. */
export interface KnownModel {
  readonly model: ModelHash
  readonly name: string
  /** One line on what it is good for. */
  readonly note: string
  readonly dtype: Dtype
  /** All of its files. */
  readonly bytes: number
  /** What of them is here, checked. */
  readonly keptBytes: number
  /** Undefined where nobody wrote it down. */
  readonly lastUsedAt: EpochMillis | undefined
  /** Some tab of this browser runs it now. */
  readonly isInUse: boolean
  /** Never deleted to make room. */
  readonly isPinned: boolean
  /** Sent to peers who ask for it. */
  readonly isShared: boolean
  /** Undefined where its publisher names none. */
  readonly licence: LicenceFacts | undefined
  /** Whether who lists it has run it with this software. */
  readonly isTried: boolean
}

/** A model that is known by its hub's name alone: it has to be added before it can be used. */
export interface NamedModel {
  readonly name: string
  readonly note: string
  /** `owner/name` */
  readonly repository: string
  readonly revision: string | undefined
  readonly dtype: Dtype
  /** About. */
  readonly bytes: number
  readonly licence: LicenceFacts | undefined
  readonly isTried: boolean
}

/** How much this browser gives this page, in bytes. */
export interface Room {
  readonly usedBytes: number
  /** Undefined where the browser does not say. */
  readonly freeBytes: number | undefined
  /** False: the browser may delete all of it when space gets short. Undefined where it does not say. */
  readonly isLasting: boolean | undefined
}

/**
 * What happened to models without the visitor's doing.
 *
 * - `evicted`: deleted here, because another download needed the room or the visitor's limit was reached
 * - `vanished`: the browser or somebody else deleted it
 * - `damaged`: some of it changed on the disk, and what changed was thrown away
 */
export interface ModelEvent {
  readonly kind: 'evicted' | 'vanished' | 'damaged'
  readonly at: EpochMillis
  readonly name: string
  /** Undefined where nobody counted them. */
  readonly bytes: number | undefined
  /** Of `evicted`: why. @default the room was needed */
  readonly because?: 'room' | 'limit'
}

export interface ModelsView {
  /** What is known, whether anything of it is here or not. */
  readonly models: readonly KnownModel[]
  /** What lists propose beside them, shown where models can be added. @default none */
  readonly named?: readonly NamedModel[]
  readonly room: Room
  /** Newest last. */
  readonly events: readonly ModelEvent[]
}

/** What is to be downloaded: a model whose manifest is known, or one of a hub that becomes known by the download. */
export type Wanted =
  | { readonly kind: 'model'; readonly model: ModelHash }
  | {
      readonly kind: 'hub'
      readonly repository: string
      readonly revision: string | undefined
      readonly dtype: Dtype
    }

/** How far a download is, in bytes; checked ones alone count. */
export interface FetchProgress {
  readonly totalBytes: number
  /** Here before this download began or went on. */
  readonly keptBytes: number
  readonly fromPeers: number
  readonly fromOrigins: number
  /** How many peers send now; undefined where nobody counts. */
  readonly peers?: number | undefined
  /** What its origins do now; undefined where nobody tells. */
  readonly origin?: OriginState | undefined
}

export interface FetchOptions {
  /** Asks no peer. */
  readonly originsOnly: boolean
  /** The visitor's own, for the hub alone. */
  readonly tokenOf: TokenOf
  /** Ending it pauses: what is here stays here. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: FetchProgress) => void
}

/** What a hub says of a repository before anything is downloaded. */
export interface HubModel {
  readonly repository: string
  /** The commit that was looked at, where there is one. */
  readonly revision: string | undefined
  readonly name: string
  readonly licence: LicenceFacts | undefined
  /** The precisions that can be had, and what each takes to download. */
  readonly precisions: readonly { readonly dtype: Dtype; readonly bytes: number }[]
}

export interface HubQuestion {
  /** `owner/name` */
  readonly repository: string
  readonly revision: string | undefined
  readonly tokenOf: TokenOf
  readonly signal: AbortSignal
}

/**
 * Where models are kept. What is left out is not there yet: the page then shows no control for it.
 */
export interface ModelsHome {
  read(): Promise<ModelsView>
  /** Calls back when {@link read} would say something else, until what comes back is called. */
  onChange(callback: () => void): () => void
  /** Deletes what is here of a model and of no other. What runs goes on. */
  readonly remove?: (model: ModelHash) => Promise<void>
  /** Asks the browser to keep what is here; false where it may throw it away. May wait for the person. Never throws. */
  readonly makeLasting?: () => Promise<boolean>
  readonly pin?: (model: ModelHash, on: boolean) => Promise<void>
  readonly share?: (model: ModelHash, on: boolean) => Promise<void>
  /**
   * Gets what is missing, from peers and origins at once, and says what the model is called.
   *
   * @throws InfernetError why it ended, or the signal's reason
   */
  readonly fetch?: (wanted: Wanted, options: FetchOptions) => Promise<ModelHash>
  /** A download that is not over is wanted no more: what has come of it has no claim to its room any longer. Never throws. */
  readonly letGo?: (wanted: Wanted) => Promise<void>
  /** Which hub is asked. @throws InfernetError `schedule.no-relay` where nobody has said yet */
  readonly hubUrl?: () => Promise<string>
  /** Asks a hub what it has. @throws InfernetError */
  readonly lookUp?: (question: HubQuestion) => Promise<HubModel>
  /** Limits that are obeyed, each told at the start and at every change; undefined for none. */
  readonly limits?: {
    /** Bytes a second to all peers together. */
    readonly uploadRate?: (bytesPerSecond: number | undefined) => void
    /** Bytes a day to each peer, beyond what it gave; undefined for the usual. */
    readonly uploadBudget?: (bytesPerDay: number | undefined) => void
    /** Bytes that models may take here. */
    readonly storage?: (bytes: number | undefined) => void
  }
}

export interface ModelsServices extends SessionServices {
  /** Undefined where this browser keeps nothing for this page: in some private windows, or over plain http. */
  openModels(): Promise<ModelsHome | undefined>
  /** Never throws; its `problem` says why the GPU cannot be used. */
  inspectGpu(model: ModelHash | undefined): Promise<GpuInspection>
}
