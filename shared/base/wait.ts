import type { Clock } from './clock.ts'
import type { Millis } from './units.ts'

/** Resolves after `delay`, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(
  clock: Clock,
  delay: Millis,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(reasonOf(signal))
    const timer = clock.schedule(delay, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      timer.stop()
      if (signal) reject(reasonOf(signal))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Runs `task` with a signal that aborts with `late()` after `delay`, or with the outer signal's reason.
 *
 * `AbortSignal.timeout` is not used because in a hidden tab it may come up to a minute late; the injected
 * clock does not. The task should listen to the signal: this function does not wait for one that goes on, and swallows
 * what it throws later.
 */
export async function withDeadline<T>(
  clock: Clock,
  delay: Millis,
  late: () => Error,
  task: (signal: AbortSignal) => Promise<T>,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal?.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const timer = clock.schedule(delay, () => controller.abort(late()))
  try {
    return await raceSignal(task(controller.signal), controller.signal)
  } finally {
    timer.stop()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Settles with the promise, or rejects with the signal's reason when that comes first. The loser's failure is swallowed. */
export function raceSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(reasonOf(signal))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError')
}
