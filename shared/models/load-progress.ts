/** How far a model is on its way to `ready`. `checking` reads what is kept here, `starting` compiles the graph. */
export interface LoadProgress {
  readonly phase: 'checking' | 'downloading' | 'starting' | 'testing'
  readonly loadedBytes: number
  readonly totalBytes: number
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
}
