import { createFrameGovernor } from './frame-governor.ts'

/** A message for each percent would be noise. */
const SMALLEST_CHANGE = 0.03

export interface PageYieldComponents {
  /** Calls back with the time of each frame that the page draws, until what comes back is called. */
  readonly onFrame: (callback: (atMs: number) => void) => () => void
  /** The share of the time that the visitor allows, (0, 1]. */
  readonly allowed: () => number
  /** Tells the engine how much of the time it may compute. */
  readonly tell: (share: number) => void
}

/**
 * Keeps the engine from being felt: it gets what the visitor allows, and less while the page's frames come late.
 *
 * Frames are only watched while `watching` is on, which should be while somebody is answered and the page is seen:
 * asking for frames keeps a screen awake.
 */
export class PageYield {
  readonly #components: PageYieldComponents
  readonly #governor = createFrameGovernor()
  #stop: (() => void) | undefined
  #told = 1

  constructor(components: PageYieldComponents) {
    this.#components = components
  }

  /** How much of what the visitor allows the page leaves to the engine now; 1 is all of it. */
  get yielding(): number {
    return this.#governor.share
  }

  watch(on: boolean): void {
    if (on === (this.#stop !== undefined)) return
    this.#stop?.()
    this.#stop = undefined
    this.#governor.rest()
    if (!on) return
    this.#stop = this.#components.onFrame((atMs) => {
      this.#governor.frame(atMs)
      this.#tellChange()
    })
  }

  /** To be called when the visitor allows another share, and for each new engine. */
  changed(): void {
    this.#told = this.#share
    this.#components.tell(this.#told)
  }

  get #share(): number {
    return this.#components.allowed() * this.#governor.share
  }

  #tellChange(): void {
    const share = this.#share
    const isBack = this.#governor.share === 1 && share !== this.#told
    if (isBack || Math.abs(share - this.#told) >= SMALLEST_CHANGE) this.changed()
  }
}
