import type { Clock } from '../base/clock.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { millis, type Millis } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { HEARTBEAT_MS, IDLE_FRAMES_RATE, SILENCE_MS, SUSPICION_MS } from './constants.ts'

export interface LivenessComponents {
  readonly clock: Clock
  /** Sends a heartbeat, or the echo of one; resolves when the stream can take more. A failure shows up as silence. */
  readonly sendBeat: (beat: number, echo: boolean) => Promise<void>
  /** Called once, with `stream.silent`. */
  readonly onSilent: (reason: InfernetError) => void
}

/**
 * Judges the other side of a job by what its application says, because a frozen tab's transport stays open for
 * minutes (docs/traps.md). Any frame counts as life; heartbeats only fill the pauses.
 *
 * Whoever sends frames that bring nothing faster than a live side does is no live side: each costs a reading, and a
 * stranger could make many.
 */
export class Liveness {
  readonly #components: LivenessComponents
  #timer: { stop(): void } | undefined
  #suspicion: { stop(): void } | undefined
  #heardAt: Millis
  #tickedAt: Millis
  #beat = 0
  #sentAt: Millis
  #rtt: Millis | undefined
  /** The newest heartbeat of the other side that has no echo yet. */
  #owed: number | undefined
  #isEchoing = false
  readonly #idleFrames: TokenBucket

  constructor(components: LivenessComponents) {
    this.#components = components
    this.#heardAt = this.#tickedAt = this.#sentAt = components.clock.monotonic()
    this.#idleFrames = new TokenBucket(components.clock, IDLE_FRAMES_RATE)
    this.#arm()
  }

  /** The smallest round trip of a heartbeat so far. */
  get rttMs(): Millis | undefined {
    return this.#rtt
  }

  /** To be called with each frame that came. */
  heard(): void {
    this.#heardAt = this.#components.clock.monotonic()
    this.#suspicion?.stop()
    this.#suspicion = undefined
  }

  /**
   * To be called with each heartbeat that came. One echo at a time is on its way: of several that wait only the newest is
   * answered, which says as much.
   *
   * @throws InfernetError `stream.flooded`
   */
  takeBeat({ beat, echo }: { readonly beat: number; readonly echo: boolean }): void {
    this.countIdle()
    if (echo) return this.#echoed(beat)
    this.#owed = beat
    if (!this.#isEchoing) void this.#echo()
  }

  /**
   * To be called with each frame that brings nothing.
   *
   * @throws InfernetError `stream.flooded`
   */
  countIdle(): void {
    if (!this.#idleFrames.take()) throw new InfernetError('stream.flooded')
  }

  async #echo(): Promise<void> {
    this.#isEchoing = true
    while (this.#owed !== undefined) {
      const beat = this.#owed
      this.#owed = undefined
      await this.#components.sendBeat(beat, true)
    }
    this.#isEchoing = false
  }

  #echoed(beat: number): void {
    if (beat !== this.#beat) return
    const rtt = millis(this.#components.clock.monotonic() - this.#sentAt)
    this.#rtt = this.#rtt === undefined ? rtt : millis(Math.min(this.#rtt, rtt))
  }

  /** Somebody else says that the other side is gone: ask it at once, and give it one round trip to deny it. */
  suspect(): void {
    if (this.#suspicion || !this.#timer) return
    this.#sendBeat()
    const { clock } = this.#components
    this.#suspicion = clock.schedule(millis(SUSPICION_MS), () => this.#silent())
  }

  stop(): void {
    this.#timer?.stop()
    this.#suspicion?.stop()
    this.#timer = this.#suspicion = undefined
  }

  #arm(): void {
    const { clock } = this.#components
    const untilSilent = this.#heardAt + SILENCE_MS - clock.monotonic()
    this.#timer = clock.schedule(millis(Math.max(1, Math.min(HEARTBEAT_MS, untilSilent))), () => this.#tick())
  }

  #tick(): void {
    const now = this.#components.clock.monotonic()
    // When our own timer is late by a heartbeat it was we who stood still (frozen, asleep): judge nobody by that.
    if (now - this.#tickedAt > 2 * HEARTBEAT_MS) this.#heardAt = now
    this.#tickedAt = now
    if (now - this.#heardAt >= SILENCE_MS) return this.#silent()
    this.#sendBeat()
    this.#arm()
  }

  #sendBeat(): void {
    this.#sentAt = this.#components.clock.monotonic()
    void this.#components.sendBeat(++this.#beat, false)
  }

  #silent(): void {
    this.stop()
    const silentMs = Math.round(this.#components.clock.monotonic() - this.#heardAt)
    this.#components.onSilent(new InfernetError('stream.silent', { silentMs }))
  }
}
