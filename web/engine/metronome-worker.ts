/** The entry of the clock worker: `{ id, delay }` sets a timer, `{ id }` alone stops it, `id` comes back when it is due. */
export interface TimerMessage {
  readonly id: number
  /** Milliseconds; undefined stops the timer. */
  readonly delay: number | undefined
}

const scope = globalThis as unknown as {
  postMessage(id: number): void
  addEventListener(type: 'message', listener: (event: MessageEvent<TimerMessage>) => void): void
}
const timers = new Map<number, ReturnType<typeof setTimeout>>()

scope.addEventListener('message', ({ data: { id, delay } }) => {
  clearTimeout(timers.get(id))
  timers.delete(id)
  if (delay === undefined) return
  const due = (): void => {
    timers.delete(id)
    scope.postMessage(id)
  }
  timers.set(id, setTimeout(due, delay))
})
