/** The folder of the origin's private file system that holds model files, each named by its SHA-256. */
export const MODEL_FOLDER = 'models'

/**
 * Keeps weights between visits, by content: a file is named by its SHA-256, so two models share what they share.
 *
 * A cache is a convenience and never trusted: what comes out is hashed again, and one that fails is gone without.
 */
export interface ModelCache {
  /**
   * Opens the place of one file for a single user, or gives undefined when there is none (no storage, no space, or
   * another tab has it open).
   */
  open(file: { readonly sha256: string; readonly size: number }): Promise<CachedFile | undefined>
}

export interface CachedFile {
  /** Bytes kept so far, always a beginning of the file. */
  readonly size: number
  /** Reads `length` bytes at `offset`, fewer at the end. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** Writes at `offset`, which is never beyond `size`. @throws anything when the space runs out */
  write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Keeps the first `size` bytes. */
  truncate(size: number): Promise<void>
  close(): Promise<void>
}
