import type { ByteSource } from '../byte-source.ts'
import type { Licence } from '../manifest.ts'

/** Where a model's files can be had, as a catalogue names it. */
export type OriginReference =
  | { readonly kind: 'hub'; readonly repository: string; readonly revision?: string }
  /** A folder over HTTP, relative to who serves the catalogue, or absolute; a relay's `/models/<id>/` is one. */
  | { readonly kind: 'folder'; readonly url: string }

/** A file as its origin lists it. Everything in it is only said until the bytes are here. */
export interface ListedFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the content, 64 hex digits, where the origin tells it: the hub does of large files (Git LFS). */
  readonly sha256?: string | undefined
  /** Git's name of the content (SHA-1 over a header and the bytes), 40 hex digits: the hub tells it of small files. */
  readonly gitHash?: string | undefined
}

/** What lies at an origin at one moment. */
export interface Listing {
  /** e.g. `owner/name`; the last part names the model. */
  readonly repository: string
  /** The commit, where there is one: what is listed and read is that commit, whatever is pushed meanwhile. */
  readonly revision: string | undefined
  readonly files: readonly ListedFile[]
  /** What its card says of the licence; undefined where it has no card. */
  readonly licence: Omit<Licence, 'mayPassOn'> | undefined
  /** What a catalogue writes down to find it again. */
  readonly reference: OriginReference
  /** Reads the files as listed. */
  readonly source: ByteSource
}

export interface ListOptions {
  readonly repository: string
  /** A branch, a tag or a commit. @default the newest of `main` */
  readonly revision?: string | undefined
  /** The visitor's own, for what is gated or private. It is sent to this origin alone. */
  readonly token?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** A place that models come from: a hub, a folder, a relay. */
export interface Origin {
  /**
   * @throws InfernetError `origin.not-found`, `origin.gated`, `origin.faulty`, `origin.busy`, `origin.silent`,
   * `models.unavailable` with the status, or the signal's reason
   */
  list(options: ListOptions): Promise<Listing>
}
