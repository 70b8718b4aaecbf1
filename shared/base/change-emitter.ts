/** Calls everybody back who asked for it, when something changed. A listener that throws does not stop the others. */
export class ChangeEmitter {
  readonly #listeners = new Set<() => void>()

  /** Returns what undoes it. */
  listen(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => void this.#listeners.delete(callback)
  }

  emit(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener()
      } catch {
        // a page that cannot draw must not stop the network under it
      }
    }
  }
}
