/** Frames are judged together in spans of this length, so that one late frame is no trend. */
const WINDOW_MS = 500
/** A window is smooth when late frames take less than this share of its time: one of them does, a stutter does not. */
const LATE_SHARE = 0.25
/** Late is a frame that took this much longer than the page's usual one, and a few milliseconds more. */
const LATE_FACTOR = 1.5
const LATE_MARGIN_MS = 4
/** Down fast, up slowly, as in the network's own congestion control (additive increase, multiplicative decrease). */
const DOWN = 0.7
const UP = 0.04
const LOWEST = 0.2
/** What is usual is the best window of the last minute. */
const REMEMBERED_WINDOWS = 120

/** Watches how evenly the page draws and says how much of the device the engine should take. */
export interface FrameGovernor {
  /** 1 while frames are even, lower while they are late. */
  readonly share: number
  /** To be called with each frame's time in milliseconds, as `requestAnimationFrame` gives it. */
  frame(atMs: number): void
  /** To be called when frames stop for another reason: the tab is hidden, nobody is being answered. */
  rest(): void
}

/**
 * Lowers the share while frames come late and restores it when they do not.
 *
 * What counts as late is measured against the best that this page showed within the last minute: 8 ms on a fast
 * screen, 17 ms on most, 100 ms where drawing itself is slow. So a page that is slow whatever the engine does costs
 * the visitor no earnings: a lower share does not help there, and the share comes back.
 */
export function createFrameGovernor(): FrameGovernor {
  let share = 1
  let last: number | undefined
  let spans: number[] = []
  let sum = 0
  let usual: number[] = []

  function judge(): void {
    const sorted = spans.toSorted((a, b) => a - b)
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0
    usual = [...usual, median].slice(-REMEMBERED_WINDOWS)
    const limit = Math.min(...usual) * LATE_FACTOR + LATE_MARGIN_MS
    const lateMs = spans.filter((span) => span > limit).reduce((all, span) => all + span, 0)
    share = lateMs / sum > LATE_SHARE ? Math.max(LOWEST, share * DOWN) : Math.min(1, share + UP)
    spans = []
    sum = 0
  }

  return {
    get share() {
      return share
    },
    frame(atMs) {
      if (last !== undefined && atMs > last) {
        spans.push(atMs - last)
        sum += atMs - last
        if (sum >= WINDOW_MS) judge()
      }
      last = atMs
    },
    rest() {
      last = undefined
      spans = []
      sum = 0
    },
  }
}
