import type { Clock } from '#shared/base/clock.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'

/** Below this a speed would jump about, s. */
const LEAST_SECONDS = 0.5

export type MeasuredProgress = LoadProgress & { readonly bytesPerSecond: number | undefined }

/** Adds the speed to how far a download is: bytes since its first report, over the time since then. */
export class DownloadSpeed {
  readonly #clock: Clock
  #start: { at: number; bytes: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  measured(progress: LoadProgress): MeasuredProgress {
    const at = this.#clock.monotonic()
    if (progress.phase !== 'downloading') this.#start = undefined
    else this.#start ??= { at, bytes: progress.loadedBytes }
    const start = this.#start
    const seconds = start ? (at - start.at) / 1000 : 0
    const isEnough = start && seconds > LEAST_SECONDS
    return {
      ...progress,
      bytesPerSecond: isEnough ? (progress.loadedBytes - start.bytes) / seconds : undefined,
    }
  }
}
