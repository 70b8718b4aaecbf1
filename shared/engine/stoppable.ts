/**
 * A generator whose `return()` takes effect at once.
 *
 * A plain async generator queues `return()` behind the pending `next()`, so a consumer that leaves in the middle of a
 * long prefill would wait for it. Here `return()` aborts `stop` first; the pending `next()` then answers that the
 * stream is done, and the generator's `finally` blocks have run when `return()` resolves.
 */
export function stoppable<T>(
  inner: AsyncGenerator<T, void, void>,
  stop: AbortController,
): AsyncGenerator<T, void, void> {
  const done = { done: true, value: undefined } as const
  return {
    async next() {
      try {
        return await inner.next()
      } catch (error) {
        if (stop.signal.aborted) return done
        throw error
      }
    },
    async return() {
      stop.abort()
      await inner.return().catch(() => undefined)
      return done
    },
    async throw(error) {
      stop.abort()
      return inner.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
  }
}
