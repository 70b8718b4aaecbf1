import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'

/** Whoever has not touched the page for so long is not using it. */
const IDLE_AFTER_MS = 2 * MINUTE_MS

const USES = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const

/** Whether somebody uses this page. Of other pages and programs a browser tells nothing. */
export interface PageIdle {
  readonly isIdle: boolean
  /** Calls back after each change. Returns what undoes it. */
  onChange(callback: () => void): () => void
}

/** Idle is a page that nobody has touched for two minutes; a new one is in use. */
export function watchPageIdle(window: Pick<Window, 'addEventListener'>, clock: Clock): PageIdle {
  const callbacks = new Set<() => void>()
  let usedAt = clock.monotonic()
  let isIdle = false

  function set(idle: boolean): void {
    if (idle === isIdle) return
    isIdle = idle
    callbacks.forEach((callback) => callback())
    if (!idle) look()
  }
  /** One timer, however often the page is touched. */
  function look(): void {
    const leftMs = usedAt + IDLE_AFTER_MS - clock.monotonic()
    if (leftMs <= 0) set(true)
    else clock.schedule(millis(leftMs), look)
  }
  const used = (): void => {
    usedAt = clock.monotonic()
    set(false)
  }
  for (const use of USES) window.addEventListener(use, used, { passive: true, capture: true })
  look()
  return {
    get isIdle() {
      return isIdle
    },
    onChange(callback) {
      callbacks.add(callback)
      return () => callbacks.delete(callback)
    },
  }
}
