/** Loads each thing once and shares the promise; what failed is loaded again when it is asked for again. */
export function memoizeAsync<Key, Value>(load: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const loading = new Map<Key, Promise<Value>>()
  return (key) => {
    const known = loading.get(key)
    if (known) return known
    const promise = load(key)
    loading.set(key, promise)
    promise.catch(() => loading.delete(key))
    return promise
  }
}
