import type { ModelHash } from '#shared/base/ids.ts'
import type { ErrorMessage } from '#shared/errors/error-message.ts'
import type { Dtype, Manifest } from '#shared/models/manifest.ts'
import type { AddOffer, AddProgress } from '#shared/models/origin/add-model.ts'
import type { OriginReference } from '#shared/models/origin/origin.ts'

/** What is to be added, and from which hub. */
export interface HubWanted {
  readonly hubUrl: string
  readonly repository: string
  /** @default the newest of `main` */
  readonly revision: string | undefined
  readonly dtype: Dtype
  /** The visitor's own, for this hub alone. */
  readonly token: string | undefined
}

/** A model that is here wholly, under the name that it has everywhere. */
export interface HubAdded {
  readonly manifest: Manifest
  readonly hash: ModelHash
  readonly origin: OriginReference
}

/** From the page to the worker that adds one model. It ends by being ended. */
export type HubOrder =
  | { readonly kind: 'add'; readonly wanted: HubWanted }
  /** The offer is taken, and there is room. */
  | { readonly kind: 'go' }

export type HubReport =
  /** What is about to be loaded; nothing is before `go`. */
  | { readonly kind: 'offer'; readonly offer: AddOffer }
  | { readonly kind: 'progress'; readonly progress: AddProgress }
  | { readonly kind: 'added'; readonly added: HubAdded }
  | { readonly kind: 'failed'; readonly error: ErrorMessage }
