import type { Clock } from '#shared/base/clock.ts'
import { platformClock } from '#shared/base/platform-clock.ts'
import type { TimerMessage } from './metronome-worker.ts'

/** A clock with its own worker; `stop` ends the worker, and timers that are still to come never call back. */
export interface Metronome extends Clock {
  stop(): void
}

/**
 * A clock that keeps time in a hidden tab: the page's own timers are held to once a minute there, a worker's are not.
 *
 * Where no worker can be had, or it breaks, it goes on with the page's timers.
 */
export function createMetronome(): Metronome {
  const due = new Map<number, () => void>()
  const fallbacks = new Map<number, ReturnType<typeof setTimeout>>()
  let worker = openWorker()
  let lastId = 0

  function fire(id: number): void {
    const callback = due.get(id)
    due.delete(id)
    fallbacks.delete(id)
    callback?.()
  }
  function set(id: number, delay: number | undefined): void {
    if (worker) return worker.postMessage({ id, delay } satisfies TimerMessage)
    clearTimeout(fallbacks.get(id))
    if (delay !== undefined)
      fallbacks.set(
        id,
        setTimeout(() => fire(id), delay),
      )
  }

  worker?.addEventListener('message', ({ data }: MessageEvent<number>) => fire(data))
  worker?.addEventListener('error', (event) => {
    event.preventDefault()
    worker?.terminate()
    worker = undefined
    // How long they had to go is lost with the worker; late is worse than early for a deadline.
    for (const id of due.keys()) set(id, 0)
  })

  return {
    ...platformClock(globalThis),
    schedule(delay, callback) {
      const id = ++lastId
      due.set(id, callback)
      set(id, delay)
      return {
        stop() {
          if (due.delete(id)) set(id, undefined)
        },
      }
    },
    stop() {
      due.clear()
      for (const timer of fallbacks.values()) clearTimeout(timer)
      worker?.terminate()
    },
  }
}

function openWorker(): Worker | undefined {
  try {
    return new Worker(new URL('./metronome-worker.ts', import.meta.url), { type: 'module', name: 'clock' })
  } catch {
    return undefined
  }
}
