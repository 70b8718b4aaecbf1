import type { Clock } from '../base/clock.ts'
import { baseUnits, millis, tokens, type BaseUnits, type Millis } from '../base/units.ts'
import type { FinishReason } from '../engine/engine.ts'
import type { RunningJob } from '../stream/run-job.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { AnswerSummary, BegunAnswer, Segment } from './peer.ts'
import { segmentOf } from './segment-of.ts'

/** The answer so far: its tokens, who wrote what, and when. */
export class AnswerProgress {
  readonly #clock: Clock
  readonly #startedAt: Millis
  readonly #segments: Segment[]
  readonly #tokens: number[]
  /** How many tokens were there before this progress began. */
  readonly #before: number
  #firstAt: Millis | undefined
  #lastAt: Millis
  #segmentFirstAt: Millis | undefined
  #seed: Uint8Array | undefined

  constructor(clock: Clock, begun?: BegunAnswer) {
    this.#clock = clock
    this.#segments = [...(begun?.segments ?? [])]
    this.#tokens = [...(begun?.tokens ?? [])]
    this.#before = this.#tokens.length
    this.#seed = begun?.seed
    this.#startedAt = this.#lastAt = clock.monotonic()
  }

  get tokens(): readonly number[] {
    return this.#tokens
  }

  /** The seed that the first provider's job began with; every later one goes on with it. */
  get seed(): Uint8Array | undefined {
    return this.#seed
  }

  get lastAt(): Millis {
    return this.#lastAt
  }

  /** Before the first token, the one who took the job last decides; two may be asked at once then. */
  beginSegment(seed: Uint8Array): void {
    if (this.#tokens.length === 0) this.#seed = seed
    this.#seed ??= seed
    this.#segmentFirstAt = undefined
  }

  add(part: readonly number[]): void {
    this.#lastAt = this.#clock.monotonic()
    this.#firstAt ??= this.#lastAt
    this.#segmentFirstAt ??= this.#lastAt
    this.#tokens.push(...part)
  }

  /** How the running job stands. */
  segmentOf(assignment: Assignment, job: RunningJob, from: number, isUsageDisputed = false): Segment {
    const tokensPerSecond = speed(job.received, this.#segmentFirstAt, this.#lastAt)
    return segmentOf(assignment, job, { from, tokensPerSecond, isUsageDisputed })
  }

  /** Closes a segment that wrote, is owed or was paid something. */
  endSegment(segment: Segment): void {
    if (segment.tokens > 0 || segment.due > 0n || segment.paid > 0n) this.#segments.push(segment)
  }

  /** What is owed to all providers, the running one included. */
  dueWith(running: Segment | undefined): BaseUnits {
    return baseUnits(
      [...this.#segments, ...(running ? [running] : [])].reduce((sum, { due }) => sum + due, 0n),
    )
  }

  /** What those who are done cost: what is owed, or what one was paid for a prompt of which it is not known who has it. */
  get spent(): BaseUnits {
    return baseUnits(this.#segments.reduce((sum, { due, paid }) => sum + (due > paid ? due : paid), 0n))
  }

  /** What was paid to those who are done. */
  get paid(): BaseUnits {
    return baseUnits(this.#segments.reduce((sum, { paid }) => sum + paid, 0n))
  }

  summarise(finish: FinishReason, promptTokens: number): AnswerSummary {
    return {
      finish,
      segments: [...this.#segments],
      promptTokens: tokens(promptTokens),
      outputTokens: tokens(this.#tokens.length),
      due: this.dueWith(undefined),
      paid: this.paid,
      ttftMs: millis((this.#firstAt ?? this.#lastAt) - this.#startedAt),
      tokensPerSecond: speed(this.#tokens.length - this.#before, this.#firstAt, this.#lastAt),
    }
  }
}

/** Tokens after the first over the time they took; 0 where that cannot be told. */
function speed(count: number, firstAt: Millis | undefined, lastAt: Millis): number {
  if (firstAt === undefined || count < 2 || lastAt <= firstAt) return 0
  return ((count - 1) / (lastAt - firstAt)) * 1000
}
