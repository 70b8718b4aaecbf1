/** Tells when an answer ends with one of the stop sequences. */
export interface StopWatch {
  readonly isStopped: boolean
  add(token: number): void
}

export function createStopWatch(stops: readonly (readonly number[])[]): StopWatch {
  const longest = Math.max(0, ...stops.map((stop) => stop.length))
  const tail: number[] = []
  let isStopped = false
  return {
    get isStopped() {
      return isStopped
    },
    add(token) {
      tail.push(token)
      if (tail.length > longest) tail.shift()
      isStopped = stops.some(
        (stop) => stop.length <= tail.length && stop.every((id, i) => id === tail.at(i - stop.length)),
      )
    },
  }
}
