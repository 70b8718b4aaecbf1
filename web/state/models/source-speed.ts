import type { FetchProgress } from './services.ts'

/** Pieces come in bursts: a shorter look back jumps about, a longer one tells of a speed that is gone. */
const WINDOW_MS = 8000
/** Below this there is nothing to divide by. */
const LEAST_MS = 500

/** Bytes a second, by where they come from. */
export interface Speed {
  readonly peers: number
  readonly origins: number
}

/** How fast a download is, over the last seconds. */
export class SourceSpeed {
  #samples: { readonly at: number; readonly peers: number; readonly origins: number }[] = []

  /** @param at monotonic milliseconds */
  note(at: number, { fromPeers, fromOrigins }: FetchProgress): void {
    const kept = this.#samples.filter((sample) => at - sample.at < WINDOW_MS)
    this.#samples = [...kept, { at, peers: fromPeers, origins: fromOrigins }]
  }

  /** Undefined before enough time has passed to tell. What has stood still for long is slow: `at` counts, too. */
  now(at: number): Speed | undefined {
    const first = this.#samples.find((sample) => at - sample.at < WINDOW_MS) ?? this.#samples.at(-1)
    const last = this.#samples.at(-1)
    if (!first || !last || at - first.at < LEAST_MS) return undefined
    const perSecond = (bytes: number): number => (1000 * Math.max(0, bytes)) / (at - first.at)
    return { peers: perSecond(last.peers - first.peers), origins: perSecond(last.origins - first.origins) }
  }
}
