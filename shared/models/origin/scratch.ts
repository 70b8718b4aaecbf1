import type { ManifestFile } from '../manifest.ts'
import type { ListedFile } from './origin.ts'

/**
 * Where files grow whose hashes are not known yet. Each is kept under what is known of it, so that what an earlier attempt
 * left is found again, and is handed over by its hashes once it is whole: a store adopts it, a folder gives it its name.
 */
export interface Scratch {
  /**
   * Opens the place of one file for a single user.
   *
   * @throws InfernetError `models.no-space`, or anything when there is no such place
   */
  open(file: ListedFile): Promise<GrowingFile>
}

export interface GrowingFile {
  /** Bytes kept so far, always a beginning of the file; nobody has checked them. */
  readonly size: number
  /** Reads `length` bytes at `offset`, fewer at the end. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** Appends at `offset`, which is `size`. The bytes are used again by the caller. @throws anything without space */
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Keeps the first `size` bytes. */
  truncate(size: number): Promise<void>
  /** The file is whole and right. Not followed by `close`. */
  adopt(file: ManifestFile): Promise<void>
  /** Keeps what is here for the next attempt. */
  close(): Promise<void>
}
