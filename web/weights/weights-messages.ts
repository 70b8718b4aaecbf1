import type { ErrorMessage } from '#shared/errors/error-message.ts'
import type { ManifestFile } from '#shared/models/manifest.ts'
import type { PutOutcome } from '#shared/models/store/piece-store.ts'
import type { FullReason } from '#shared/models/store/store-device.ts'

/**
 * Everything that a page asks the worker with the model files, one row a question. A file is told once and then called
 * by a number: the list of its pieces may have 270 kB. Bytes move over and are copied by nobody.
 */
export interface WeightsTable {
  /** Whether this browser keeps anything. */
  open: { in: undefined; out: boolean }
  know: { in: { readonly number: number; readonly file: ManifestFile }; out: undefined }
  /** The bytes of a `PieceMap`. */
  held: { in: { readonly number: number }; out: Uint8Array<ArrayBuffer> }
  put: {
    in: { readonly number: number; readonly piece: number; readonly bytes: Uint8Array<ArrayBuffer> }
    out: { readonly outcome: PutOutcome; readonly fullReason: FullReason | undefined }
  }
  read: {
    in: { readonly number: number; readonly piece: number }
    out: Uint8Array<ArrayBuffer> | undefined
  }
  remove: { in: { readonly sha256: string }; out: undefined }
  list: { in: undefined; out: readonly { readonly sha256: string; readonly bytes: number }[] }
}
export type WeightsQuestion = keyof WeightsTable

export type WeightsRequest = {
  [Name in WeightsQuestion]: {
    readonly id: number
    readonly name: Name
    readonly body: WeightsTable[Name]['in']
  }
}[WeightsQuestion]

export type WeightsResponse =
  | { readonly id: number; readonly body: WeightsTable[WeightsQuestion]['out'] }
  | { readonly id: number; readonly error: ErrorMessage }

/** One end of a channel of structured clones: a Worker, a worker's own scope, a MessagePort. */
interface Port<In, Out> {
  postMessage(message: Out, transfer: ArrayBuffer[]): void
  onMessage(listener: (message: In) => void): void
}
export type WeightsClientPort = Port<WeightsResponse, WeightsRequest>
export type WeightsHostPort = Port<WeightsRequest, WeightsResponse>
