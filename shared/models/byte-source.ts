/** Where a model's files come from: an origin server, a folder on disk, later other peers. */
export interface ByteSource {
  /**
   * Opens `path` at `offset`, or at the beginning when the source cannot skip: `offset` in the answer tells.
   *
   * @param options `maxSkipBytes`: a source that would send more than so many bytes before `offset` refuses, for who
   * wants a piece and not the file. @default no bound
   * `maxWaitMs`: a source that is busy for longer refuses with `origin.busy` at once, for who has others to ask meanwhile.
   * @default some minutes
   * @throws InfernetError `models.unavailable` with the status, `origin.*`, or the signal's reason
   */
  open(
    path: string,
    options: {
      readonly offset: number
      readonly maxSkipBytes?: number
      readonly maxWaitMs?: number
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<{ readonly offset: number; readonly body: AsyncIterable<Uint8Array> }>
}

/** SHA-256, e.g. `(bytes) => crypto.subtle.digest('SHA-256', bytes)`; the platform's is three times faster than any wasm. */
export type Digest = (bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>
