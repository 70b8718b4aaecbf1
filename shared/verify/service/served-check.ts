import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../base/clock.ts'
import type { ModelHash } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { baseUnits, millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import type { TokenScore } from '../../engine/engine.ts'
import { errorToMessage } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Quote } from '../../prompt/prompt.ts'
import { HEARTBEAT_MS } from '../../stream/constants.ts'
import type { IncomingCredit } from '../../stream/credit.ts'
import type { Served } from '../../stream/job-service.ts'
import type { FramedStream } from '../../wire/framed-stream.ts'
import type { Envelope } from '../calibration/envelope.ts'
import { sketchBytes } from '../statistics/sketch-distance.ts'
import { scoreRequestOf, type CheckCase } from './check-case.ts'
import type { CheckLine } from './check-line.ts'
import type { Openings } from '../check/judge.ts'
import { readOpenings } from '../openings/read-openings.ts'
import { costOfCheck } from './check-terms.ts'
import { CHECK_DEADLINE_MS, OPENINGS_DEADLINE_MS } from './constants.ts'
import { marginBytes } from './margin-bytes.ts'
import type { askerFrameSchema } from './messages.ts'
import { openingsIn } from './openings-frame.ts'
import { bindReading, concludeReading, type OwnReading } from './own-reading.ts'

export type CheckFrames = FramedStream<typeof askerFrameSchema>

export interface ServedCheckComponents {
  readonly clock: Clock
  readonly key: PrivateKey
  readonly random: Random
  readonly quote: Quote
  /** What the check is paid with. @default it is free */
  readonly credit: IncomingCredit | undefined
  readonly served: Served
  readonly envelope: Envelope
}

/** The verifier's side of one admitted check: waits for its turn, reads, binds itself, and judges what it is shown. */
export class ServedCheck {
  readonly #frames: CheckFrames
  readonly #case: CheckCase
  readonly #components: ServedCheckComponents
  readonly #aborter = new AbortController()
  /** From here on the reading is owed. */
  #isCommitted = false

  constructor(frames: CheckFrames, opened: CheckCase, components: ServedCheckComponents) {
    this.#frames = frames
    this.#case = opened
    this.#components = components
    frames.onClose(() => this.abort(new InfernetError('wire.closed')))
  }

  get model(): ModelHash {
    return this.#case.model
  }

  /** Ends it with this reason. */
  abort(reason: InfernetError): void {
    this.#aborter.abort(reason)
  }

  /** Runs to the end, whatever it is. Never throws and leaves no stream open. */
  async run(line: CheckLine): Promise<void> {
    const { clock, credit, quote } = this.#components
    const late = (): Error => new InfernetError('verify.busy')
    try {
      await withDeadline(clock, millis(CHECK_DEADLINE_MS), late, (signal) => this.#check(line, signal), {
        signal: this.#aborter.signal,
      })
      await this.#frames.close()
    } catch (thrown) {
      await this.#refuse(thrown)
    } finally {
      credit?.close(this.#isCommitted ? costOfCheck(quote, this.#case.read) : baseUnits(0n))
    }
  }

  async #check(line: CheckLine, signal: AbortSignal): Promise<void> {
    const own = bindReading(await this.#read(line, signal), this.#components.random)
    signal.throwIfAborted()
    this.#isCommitted = true
    await this.#frames.send({ type: 'committed', commitment: own.commitment }, { signal })
    await this.#tell(own, await this.#receiveOpenings(signal), signal)
  }

  async #read(line: CheckLine, signal: AbortSignal): Promise<readonly TokenScore[]> {
    const stopBeats = this.#beat(() => line.waiting)
    const { engine, take } = this.#components.served
    const read = async (turn: AbortSignal): Promise<readonly TokenScore[]> => {
      const letGo = await take?.({ signal: turn })
      try {
        return await engine.score(scoreRequestOf(this.#case), { signal: turn })
      } finally {
        letGo?.()
      }
    }
    try {
      return await line.run(this.model, read, { signal })
    } finally {
      stopBeats()
    }
  }

  /**
   * What of the provider's sketches is shown. Nothing is said of a provider because of openings that are wrong, unless it
   * put its name to them: they come from the asker, who can change them.
   */
  async #receiveOpenings(signal: AbortSignal): Promise<Openings> {
    const frame = await this.#frames.receive({ deadlineMs: OPENINGS_DEADLINE_MS, signal })
    if (frame.type !== 'openings') throw new InfernetError('wire.unexpected', { got: frame.type })
    return readOpenings(openingsIn(frame, this.#case.proven.from), this.#case)
  }

  async #tell(reading: OwnReading, opened: Openings, signal: AbortSignal): Promise<void> {
    const { clock, key, quote, served, envelope } = this.#components
    const { signed } = await concludeReading(reading, opened, {
      ...{ case: this.#case, info: served.engine.info, envelope, key },
      ...{ cost: costOfCheck(quote, this.#case.read), at: clock.now() },
    })
    const margins = marginBytes(reading.scores.map(({ margin }) => margin))
    const shown = { own: sketchBytes(reading.own), margins, salt: reading.salt }
    await this.#frames.send({ type: 'verdict', verdict: signed, ...shown }, { signal })
  }

  /** Says again and again that it lives, with how many wait before. */
  #beat(before: () => number): () => void {
    const { clock } = this.#components
    let timer: { stop(): void } | undefined
    const say = (): void => {
      void this.#frames.send({ type: 'waiting', before: before() }).catch(() => undefined)
      timer = clock.schedule(millis(HEARTBEAT_MS), say)
    }
    say()
    return () => timer?.stop()
  }

  async #refuse(thrown: unknown): Promise<void> {
    const reason = InfernetError.from(this.#aborter.signal.aborted ? this.#aborter.signal.reason : thrown)
    const refusal = { type: 'refused', error: errorToMessage(reason) }
    if (this.#frames.isOpen) await this.#frames.send(refusal, { deadlineMs: 1000 }).catch(() => undefined)
    await this.#frames.close()
    this.#frames.abort(reason)
  }
}
