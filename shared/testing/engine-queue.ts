import { InfernetError } from '../errors/infernet-error.ts'

/** Lets one request in at a time, the others in the order they came. */
export interface EngineQueue {
  /**
   * Resolves with the function that lets the next one in, to be called once, in a `finally`.
   *
   * @throws InfernetError `engine.queue-full` at once when too many wait; or the signal's reason, and the place in the
   *   queue is given up
   */
  enter(signal: AbortSignal): Promise<() => void>
}

interface Waiting {
  readonly admit: () => void
}

/** @param maxWaiting how many may wait besides the one that runs: each pins its prompt, and a stranger sends it */
export function createEngineQueue(maxWaiting: number): EngineQueue {
  const waiting: Waiting[] = []
  let busy = false

  function leaveOnce(): () => void {
    let left = false
    return () => {
      if (left) return
      left = true
      const next = waiting.shift()
      if (next) next.admit()
      else busy = false
    }
  }

  return {
    async enter(signal) {
      signal.throwIfAborted()
      if (!busy) {
        busy = true
        return leaveOnce()
      }
      if (waiting.length >= maxWaiting) throw new InfernetError('engine.queue-full', { limit: maxWaiting })
      await new Promise<void>((resolve, reject) => {
        const place: Waiting = {
          admit() {
            signal.removeEventListener('abort', giveUp)
            resolve()
          },
        }
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(place), 1)
          reject(signal.reason as Error)
        }
        signal.addEventListener('abort', giveUp, { once: true })
        waiting.push(place)
      })
      return leaveOnce()
    },
  }
}
