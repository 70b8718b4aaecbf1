/** Names that are held by one, or shared by several, of all who use a store: tabs of one origin, tasks of one process. */
export interface StoreLocks {
  /**
   * Waits for a name, first come, first served, and gives what frees it again. Whoever dies frees what it holds.
   *
   * @throws the signal's reason
   */
  acquire(name: string, options: AcquireOptions): Promise<Release>
  /** Takes a name that is free at this moment; undefined where it is not. */
  tryAcquire(name: string, mode: LockMode): Promise<Release | undefined>
}

export type LockMode = 'shared' | 'exclusive'
export type Release = () => void

export interface AcquireOptions {
  readonly mode: LockMode
  readonly signal?: AbortSignal | undefined
  /** Called once when somebody else waits for what was got: whoever holds it for its own ease lets go. May come early. */
  readonly onWanted?: (() => void) | undefined
}

interface Waiting {
  readonly mode: LockMode
  readonly enter: () => void
}

/** Who holds a name, or waits for it, and wants to hear when somebody else does. */
export class Wanted {
  readonly #listeners = new Map<string, Set<() => void>>()

  /** Gives what ends it. */
  listen(name: string, onWanted: (() => void) | undefined): () => void {
    if (!onWanted) return () => undefined
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(onWanted))
    return () => {
      listeners.delete(onWanted)
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name)
    }
  }

  /** @param by who tells it, and need not hear it */
  tell(name: string, by?: () => void): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) if (listener !== by) listener()
  }
}

/** Locks among the tasks of one thread: for a store that no other process opens, and where a browser has none. */
export class LocalLocks implements StoreLocks {
  readonly #held = new Map<string, { mode: LockMode; count: number }>()
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #wanted = new Wanted()

  acquire(name: string, { mode, signal, onWanted }: AcquireOptions): Promise<Release> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const waiting: Waiting = {
        mode,
        enter: () => {
          signal?.removeEventListener('abort', leave)
          const release = this.#hold(name, mode)
          resolve(() => {
            stop()
            release()
          })
        },
      }
      const stop = this.#wanted.listen(name, onWanted)
      const leave = (): void => {
        const line = this.#waiting.get(name)
        if (line) this.#waiting.set(name, line.toSpliced(line.indexOf(waiting), 1))
        stop()
        reject(signal?.reason as Error)
        this.#letIn(name)
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), waiting])
      this.#letIn(name)
      if (this.#waiting.get(name)?.includes(waiting)) this.#wanted.tell(name, onWanted)
    })
  }

  tryAcquire(name: string, mode: LockMode): Promise<Release | undefined> {
    const isFree = this.#isFree(name, mode) && !this.#waiting.get(name)?.length
    return Promise.resolve(isFree ? this.#hold(name, mode) : undefined)
  }

  #isFree(name: string, mode: LockMode): boolean {
    const held = this.#held.get(name)
    return !held || (held.mode === 'shared' && mode === 'shared')
  }

  #hold(name: string, mode: LockMode): Release {
    const held = this.#held.get(name)
    if (held) held.count++
    else this.#held.set(name, { mode, count: 1 })
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const present = this.#held.get(name)
      if (present && --present.count === 0) this.#held.delete(name)
      this.#letIn(name)
    }
  }

  #letIn(name: string): void {
    for (;;) {
      const [next, ...rest] = this.#waiting.get(name) ?? []
      if (!next || !this.#isFree(name, next.mode)) return
      if (rest.length > 0) this.#waiting.set(name, rest)
      else this.#waiting.delete(name)
      next.enter()
    }
  }
}
