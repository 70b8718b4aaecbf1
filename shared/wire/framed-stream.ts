import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import type * as v from 'valibot'
import type { Clock } from '../base/clock.ts'
import { millis } from '../base/units.ts'
import { withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { decode, encodeParts } from './codec.ts'
import { ANSWER_DEADLINE_MS, MAX_FRAME_BYTES, MAX_READ_BUFFER_BYTES, WRITE_DEADLINE_MS } from './limits.ts'

export interface FramedStreamInit {
  /** The largest frame that is read or written. @default MAX_FRAME_BYTES */
  readonly maxFrameBytes?: number
  /** What may wait here unread. @default MAX_READ_BUFFER_BYTES */
  readonly maxUnreadBytes?: number
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  /** How long this one wait may take, in ms. */
  readonly deadlineMs?: number
}

/**
 * Messages over a libp2p stream: CBOR in frames with a varint length, each checked against a schema.
 *
 * Reading is bounded in bytes and time, writing waits for the other side to drain and gives up on one that stopped
 * reading. `abort` is for every failure; `close` is for the good end. One reader at a time.
 */
export class FramedStream<Incoming extends v.GenericSchema> {
  readonly #stream: Stream
  readonly #frames: ReturnType<typeof lpStream<Stream>>
  readonly #clock: Clock
  readonly #incoming: Incoming
  readonly #maxFrameBytes: number

  constructor(stream: Stream, incoming: Incoming, clock: Clock, init: FramedStreamInit = {}) {
    this.#stream = stream
    this.#incoming = incoming
    this.#clock = clock
    this.#maxFrameBytes = init.maxFrameBytes ?? MAX_FRAME_BYTES
    this.#frames = lpStream(stream, {
      maxDataLength: this.#maxFrameBytes,
      maxBufferSize: init.maxUnreadBytes ?? MAX_READ_BUFFER_BYTES,
      lengthDecoder: readLength,
    })
  }

  /** Bytes handed to the stream that the other side has not taken yet. */
  get unsentBytes(): number {
    return this.#stream.writeBufferLength
  }

  get isOpen(): boolean {
    return this.#stream.status === 'open'
  }

  /**
   * The next message.
   *
   * @throws InfernetError `wire.timeout`, `wire.closed`, `wire.too-large` or `wire.malformed`.
   */
  async receive({ signal, deadlineMs = ANSWER_DEADLINE_MS }: WaitOptions = {}): Promise<
    v.InferOutput<Incoming>
  > {
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: deadlineMs })
    const frame = await withDeadline(this.#clock, millis(deadlineMs), late, (own) => this.#read(own), {
      signal,
    })
    return decode(this.#incoming, frame)
  }

  /**
   * Sends one message and waits until the stream can take more. Large byte strings in it are not copied: they must not be
   * changed afterwards.
   *
   * @throws InfernetError `stream.slow-reader` when it does not drain in time, `wire.closed` when it is gone.
   */
  async send(message: unknown, { signal, deadlineMs = WRITE_DEADLINE_MS }: WaitOptions = {}): Promise<void> {
    const frame = new Uint8ArrayList(...encodeParts(message))
    if (frame.byteLength > this.#maxFrameBytes)
      throw new InfernetError('wire.too-large', { maxBytes: this.#maxFrameBytes })
    const late = (): Error => new InfernetError('stream.slow-reader')
    await withDeadline(this.#clock, millis(deadlineMs), late, (own) => this.#write(frame, own), { signal })
  }

  /** Ends our side in peace; the other side may still speak. Never throws. */
  async close(): Promise<void> {
    try {
      const late = (): Error => new InfernetError('wire.timeout', { limitMs: ANSWER_DEADLINE_MS })
      await withDeadline(this.#clock, millis(ANSWER_DEADLINE_MS), late, (signal) =>
        this.#stream.close({ signal }),
      )
    } catch (thrown) {
      this.abort(thrown)
    }
  }

  /**
   * Ends our side in peace where nothing more is wanted of the other one: whatever it says after this, or no end of its
   * own within {@link ANSWER_DEADLINE_MS}, cuts the stream. Never throws.
   */
  async finish(): Promise<void> {
    await this.close()
    const end = await this.receive().then(
      () => new InfernetError('wire.unexpected', { got: 'more' }),
      (thrown: unknown) => thrown,
    )
    this.abort(end)
  }

  /** Ends both sides at once. Never throws, may be called again. */
  abort(reason: unknown): void {
    if (
      this.#stream.status === 'closed' ||
      this.#stream.status === 'aborted' ||
      this.#stream.status === 'reset'
    )
      return
    this.#stream.abort(InfernetError.from(reason, 'wire.closed'))
  }

  /** Calls back once when the stream is closed by anyone. */
  onClose(callback: () => void): void {
    if (this.#stream.status === 'open') this.#stream.addEventListener('close', callback, { once: true })
    else callback()
  }

  async #read(signal: AbortSignal): Promise<Uint8Array> {
    try {
      return (await this.#frames.read({ signal })).subarray()
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      throw errorOfRead(thrown, this.#maxFrameBytes)
    }
  }

  async #write(frame: Uint8ArrayList, signal: AbortSignal): Promise<void> {
    try {
      await this.#frames.write(frame, { signal })
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      throw InfernetError.from(thrown, 'wire.closed')
    }
  }
}

/** Four bytes of seven bits each hold 256 MiB. */
const MAX_LENGTH_BYTES = 4

/**
 * The length before a frame, in the shortest form only. A `RangeError` asks for one more byte.
 *
 * libp2p's own decoder asks for more as long as no length ends, so a stranger who sends nothing but 0xff would fill the
 * memory, past every other bound.
 */
function readLength(prefix: Uint8Array | Uint8ArrayList): number {
  const count = prefix.length
  const at = (i: number): number => (prefix instanceof Uint8Array ? prefix[i] : prefix.get(i)) ?? 0
  const last = count > 0 ? at(count - 1) : 0x80
  if (last < 0x80 && (last > 0 || count === 1)) {
    let length = 0
    for (let i = 0; i < count; i++) length += (at(i) & 0x7f) * 2 ** (7 * i)
    return length
  }
  if (last >= 0x80 && count < MAX_LENGTH_BYTES) throw new RangeError('the length goes on')
  throw new InfernetError('wire.malformed', { field: 'length' })
}

const TOO_LARGE = new Set(['InvalidDataLengthError', 'InvalidDataLengthLengthError', 'StreamBufferError'])

function errorOfRead(thrown: unknown, maxBytes: number): InfernetError {
  const name = thrown instanceof Error ? thrown.name : ''
  if (TOO_LARGE.has(name)) return new InfernetError('wire.too-large', { maxBytes }, { cause: thrown })
  return InfernetError.from(thrown, 'wire.closed')
}
