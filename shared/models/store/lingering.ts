import type { Clock } from '../../base/clock.ts'
import { millis, SECOND_MS } from '../../base/units.ts'

/** How long something stays open with nothing to do. Pieces come one after another, and opening costs more than they do. */
const LINGER_MS = SECOND_MS / 4
/** Word of somebody who waits may be lost: after so long it is opened anew, behind who waits. */
const LONGEST_MS = SECOND_MS

/** Something that was opened. */
export interface Opened {
  close(): Promise<void>
}

interface Place<T extends Opened> {
  readonly opened: Promise<T>
  readonly since: number
  users: number
  isLeaving: boolean
  closing: Promise<void> | undefined
  timer: { stop(): void } | undefined
}

/**
 * Things that stay open from one use to the next for a moment: until nobody used them for {@link LINGER_MS}, until
 * somebody else wants what they hold, or until a use fails. Who comes after that opens it anew, behind whoever wanted it.
 */
export class Lingering<T extends Opened> {
  readonly #clock: Clock
  readonly #places = new Map<string, Place<T>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True while it is open, or being opened. */
  isOpen(name: string): boolean {
    return this.#places.has(name)
  }

  /** @param open is told how to call when somebody else wants what it holds */
  async use<Result>(
    name: string,
    open: (onWanted: () => void) => Promise<T>,
    work: (opened: T) => Promise<Result>,
  ): Promise<Result> {
    const place = this.#places.get(name) ?? this.#open(name, open)
    place.users++
    place.timer?.stop()
    try {
      return await work(await place.opened)
    } catch (thrown) {
      this.#leave(name, place)
      throw thrown
    } finally {
      place.users--
      if (place.users === 0) await this.#rest(name, place)
    }
  }

  /** Closes it as soon as nobody uses it. */
  leave(name: string): void {
    const place = this.#places.get(name)
    if (place) this.#leave(name, place)
  }

  #open(name: string, open: (onWanted: () => void) => Promise<T>): Place<T> {
    const onWanted = (): void => this.#leave(name, place)
    const place: Place<T> = {
      opened: Promise.resolve().then(() => open(onWanted)),
      since: this.#clock.monotonic(),
      users: 0,
      isLeaving: false,
      closing: undefined,
      timer: undefined,
    }
    this.#places.set(name, place)
    return place
  }

  #leave(name: string, place: Place<T>): void {
    if (place.isLeaving) return
    place.isLeaving = true
    place.timer?.stop()
    if (this.#places.get(name) === place) this.#places.delete(name)
    if (place.users === 0) void close(place)
  }

  async #rest(name: string, place: Place<T>): Promise<void> {
    if (this.#clock.monotonic() - place.since > LONGEST_MS) this.#leave(name, place)
    if (place.isLeaving) return close(place)
    place.timer = this.#clock.schedule(millis(LINGER_MS), () => this.#leave(name, place))
  }
}

/** Never throws: what was worth knowing was told to who used it. */
function close(place: Place<Opened>): Promise<void> {
  return (place.closing ??= place.opened.then((each) => each.close()).catch(() => undefined))
}
