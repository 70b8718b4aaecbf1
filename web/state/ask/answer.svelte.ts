import type { TextEvent } from '#shared/client/ask-text.ts'
import { secondAfter, segmentsAfter } from '#shared/client/segments.ts'
import type { Clock } from '#shared/base/clock.ts'
import type { PeerName } from '#shared/base/ids.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ReasoningTags } from '#shared/engine/tokenizer/reasoning-marks.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { Segment } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import {
  EMPTY_ANSWER,
  THIS_TAB,
  type AnswerRecord,
  type AnswerStage,
  type Comparison,
  type Continuation,
  type Piece,
  type SeamRecord,
} from './conversation.ts'

/** The speed shown while an answer is written looks this far back. */
const SPEED_WINDOW_MS = 3000

/** One answer while it is written: follows the events of `askText`. */
export class Answer {
  readonly #clock: Clock
  readonly #isContinued: boolean
  #reasoning: ReasoningTags | undefined
  #stage = $state<AnswerStage>('searching')
  #attempt = $state(1)
  #searchingSince = $state(0)
  #pieces = $state.raw<readonly Piece[]>([])
  #segments = $state.raw<readonly Segment[]>([])
  #second = $state.raw<readonly Segment[]>([])
  #comparison = $state.raw<Comparison | undefined>()
  /** What the other one of two wrote before the answer was continued, and how that compared: no event has it in it. */
  readonly #secondBefore: readonly Segment[]
  readonly #comparedBefore: Comparison | undefined
  #tokens = $state(0)
  #fresh = $state(0)
  #due = $state.raw(0n)
  #ttftMs = $state<number | undefined>()
  #finalSpeed = $state<number | undefined>()
  #arrivals = $state.raw<readonly { at: number; tokens: number }[]>([])
  #cut = $state(false)
  #droppedTurns = $state(0)
  #localFrom = $state<number | undefined>()
  #loading = $state.raw<LoadProgress | 'opening' | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #waitsFor = $state.raw<InfernetError | undefined>()
  #loadMs = $state<number | undefined>()
  #askedAt: number
  #prompt: Prompt | undefined
  /** True while this tab itself writes. */
  #isLocal = false
  #seed: Uint8Array | undefined
  /** Grows with each token: copied where it is asked for. */
  readonly #ids: number[] = []

  /** `before` is an answer that broke off and is continued now. */
  constructor({ clock, before }: { clock: Clock; before?: AnswerRecord | undefined }) {
    this.#clock = clock
    this.#askedAt = clock.monotonic()
    this.#isContinued = before !== undefined
    this.#secondBefore = before?.second ?? []
    this.#comparedBefore = before?.comparison
    if (!before) return
    this.#pieces = [...before.pieces, { seam: resumedSeam(before), text: '' }]
    this.#segments = before.segments
    this.#tokens = before.tokens
    this.#due = before.due
    this.#ttftMs = before.ttftMs
    this.#reasoning = before.reasoning
    this.#droppedTurns = before.droppedTurns
    this.#seed = before.continuation?.seed
    this.#localFrom = before.localFrom
  }

  get stage(): AnswerStage {
    return this.#stage
  }
  /** Which round of looking for a provider this is, from 1. */
  get attempt(): number {
    return this.#attempt
  }
  /** When this round of looking began, by the wall clock. */
  get searchingSince(): number {
    return this.#searchingSince
  }
  /** Tokens that came with the last frame: these glow. */
  get fresh(): number {
    return this.#fresh
  }
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** Why nobody can go on now, while that is so; the next look comes by itself. */
  get waitsFor(): InfernetError | undefined {
    return this.#stage === 'searching' ? this.#waitsFor : undefined
  }
  /** How long a provider that was found, at `searchingSince`, said that it loads the model; undefined while none does. */
  get loadMs(): number | undefined {
    return this.#loadMs
  }
  /** How far the model is on its way into this tab, while the answer waits for it. */
  get loading(): LoadProgress | 'opening' | undefined {
    return this.#loading
  }
  /** Who writes now. */
  get writer(): PeerName | undefined {
    if (this.#stage !== 'answering' || this.#isLocal) return undefined
    return this.#segments.at(-1)?.provider
  }

  /** The answer as plain data, as it stands now. */
  get record(): AnswerRecord {
    return {
      ...EMPTY_ANSWER,
      stage: this.#stage,
      pieces: this.#pieces,
      reasoning: this.#reasoning,
      segments: this.#segments,
      ...(this.#compared && { comparison: this.#compared }),
      ...(this.#allSecond.length > 0 && { second: this.#allSecond }),
      tokens: this.#tokens,
      due: this.#due,
      ttftMs: this.#ttftMs,
      tokensPerSecond: this.#finalSpeed ?? this.#speedNow(),
      cut: this.#cut,
      droppedTurns: this.#droppedTurns,
      localFrom: this.#localFrom,
      errorCode: this.#error?.code,
      errorFacts: this.#error?.facts,
      continuation: this.#stage === 'done' ? undefined : this.#continuation,
    }
  }

  /** As a whole: where two parted before, they have parted. */
  get #compared(): Comparison | undefined {
    const [before, now] = [this.#comparedBefore, this.#comparison]
    if (!before || !now) return now ?? before
    const parted = before.parted ?? now.parted
    return {
      ...now,
      tokens: now.tokens === undefined ? undefined : now.tokens + (before.tokens ?? 0),
      ...(parted && { parted }),
    }
  }

  get #allSecond(): readonly Segment[] {
    return [...this.#secondBefore, ...this.#second]
  }

  /** Nobody provides the model yet: the prompt is kept until someone does. */
  wait(): void {
    this.#stage = 'waiting'
  }

  /** The model comes into this tab first. */
  load(progress: LoadProgress | 'opening'): void {
    this.#stage = 'searching'
    this.#loading = progress
  }

  /** The prompt goes out now. */
  begin(init: { prompt: Prompt; reasoning: ReasoningTags | undefined; droppedTurns: number }): void {
    this.#prompt = init.prompt
    this.#reasoning = init.reasoning
    this.#droppedTurns = init.droppedTurns
    this.#askedAt = this.#clock.monotonic()
    this.#searchingSince = this.#clock.now()
    this.#stage = 'searching'
  }

  /** Takes the next event in order. */
  take(event: TextEvent): void {
    // What this tab writes belongs to no provider's part.
    if (!this.#isLocal || event.type !== 'tokens') this.#segments = segmentsAfter(this.#segments, event)
    this.#second = secondAfter(this.#second, event)
    switch (event.type) {
      case 'searching':
        this.#attempt = event.attempt
        this.#loadMs = undefined
        this.#searchingSince = this.#clock.now()
        return
      case 'waiting':
        this.#waitsFor = event.reason
        return
      case 'loading':
        this.#waitsFor = undefined
        this.#loadMs = event.loadMs
        this.#searchingSince = this.#clock.now()
        return
      case 'local':
        return this.#takeOver(event.position, event.seed)
      case 'begun':
        this.#ids.push(...event.tokens)
        return this.#takeBegun(event.text)
      case 'assigned':
        this.#stage = 'answering'
        this.#waitsFor = this.#loadMs = undefined
        this.#isLocal = false
        if (this.#pieces.length === 0) this.#pieces = [{ seam: undefined, text: '' }]
        this.#seed = event.seed
        return
      case 'tokens':
        return this.#takeTokens(event.tokens, event.text)
      case 'text':
        return this.#append(event.text)
      case 'chunk':
      case 'ended':
        this.#due = this.#withBefore(event.due)
        return
      case 'second':
        this.#due = this.#withBefore(event.due)
        this.#comparison ??= { tokens: undefined }
        return
      case 'parted':
        this.#comparison = {
          tokens: undefined,
          parted: { position: event.position, providers: event.providers },
        }
        return
      case 'compared':
        this.#comparison = {
          ...this.#comparison,
          tokens: event.tokens,
          ...(event.reason && { reasonCode: event.reason.code }),
        }
        return
      case 'proof':
        return // kept apart, see `Ask`
      case 'seam':
        return this.#takeSeam(event.position, event.lost, event.reason)
      case 'resumed':
        this.#lastSeam((seam) => ({ ...seam, next: event.provider, gapMs: event.gapMs }))
        return
      case 'done':
        this.#tokens = event.summary.outputTokens
        this.#due = this.#withBefore(event.summary.due)
        if (!this.#isContinued) this.#ttftMs = event.summary.ttftMs
        this.#finalSpeed = event.summary.tokensPerSecond
        this.#cut = event.summary.finish === 'length'
        this.#stage = 'done'
    }
  }

  /** The visitor stopped it; what came stays. */
  stop(): void {
    this.#end('stopped')
  }

  fail(error: InfernetError): void {
    this.#error = error
    this.#end('failed')
  }

  #withBefore(due: bigint): bigint {
    return this.#secondBefore.reduce((sum, segment) => sum + segment.due, due)
  }

  get #continuation(): Continuation | undefined {
    if (!this.#prompt || !this.#seed || this.#ids.length === 0) return undefined
    return { prompt: this.#prompt, seed: this.#seed, tokens: [...this.#ids] }
  }

  #takeOver(position: number, seed: Uint8Array): void {
    this.#stage = 'answering'
    this.#isLocal = true
    this.#loading = undefined
    this.#localFrom ??= position
    this.#seed = seed
    if (this.#pieces.length === 0) this.#pieces = [{ seam: undefined, text: '' }]
    this.#lastSeam((seam) => ({ ...seam, next: THIS_TAB }))
  }

  #end(stage: AnswerStage): void {
    this.#finalSpeed = this.#speedNow()
    this.#fresh = 0
    this.#loading = undefined
    this.#stage = stage
  }

  /** All its text anew: where it broke off in the middle of a character, that becomes whole. */
  #takeBegun(text: string): void {
    const [last, ...before] = this.#pieces.toReversed()
    const pieces = before.toReversed()
    const kept = pieces.map((piece) => piece.text).join('')
    const [tail] = before
    if (!last || !tail) return
    const start = kept.length - tail.text.length
    const isSame = text.startsWith(kept.slice(0, start))
    this.#pieces = isSame
      ? [...pieces.slice(0, -1), { ...tail, text: text.slice(start) }, last]
      : [{ seam: undefined, text }, last]
  }

  #takeTokens(ids: readonly number[], text: string): void {
    const count = ids.length
    const now = this.#clock.monotonic()
    this.#ids.push(...ids)
    this.#ttftMs ??= now - this.#askedAt
    this.#stage = 'answering'
    this.#tokens += count
    this.#fresh = count
    this.#arrivals = [
      ...this.#arrivals.filter((arrival) => now - arrival.at < SPEED_WINDOW_MS),
      { at: now, tokens: count },
    ]
    this.#append(text)
  }

  #takeSeam(position: number, lost: PeerName, reason: InfernetError): void {
    const unowed = unowedBy(this.#segments)
    const seam = { position, lost, next: undefined, gapMs: undefined, unowed, reasonCode: reason.code }
    this.#pieces = [...this.#pieces, { seam, text: '' }]
    this.#stage = 'searching'
    this.#fresh = 0
    this.#arrivals = []
  }

  #append(text: string): void {
    if (!text) return
    const last = this.#pieces.at(-1)
    this.#pieces = last
      ? [...this.#pieces.slice(0, -1), { ...last, text: last.text + text }]
      : [{ seam: undefined, text }]
  }

  #lastSeam(change: (seam: SeamRecord) => SeamRecord): void {
    const last = this.#pieces.at(-1)
    if (last?.seam) this.#pieces = [...this.#pieces.slice(0, -1), { ...last, seam: change(last.seam) }]
  }

  #speedNow(): number | undefined {
    const [first] = this.#arrivals
    const last = this.#arrivals.at(-1)
    if (!first || !last || last.at <= first.at) return undefined
    const tokens = this.#arrivals.reduce((sum, arrival) => sum + arrival.tokens, -first.tokens)
    return (tokens / (last.at - first.at)) * 1000
  }
}

/** Tokens of the last one beyond its last signed block. */
function unowedBy(segments: readonly Segment[]): number {
  const last = segments.at(-1)
  return last ? Math.max(0, last.tokens - last.signedTokens) : 0
}

/** The seam between what there was and what comes now. */
function resumedSeam({ segments, tokens, errorCode }: AnswerRecord): SeamRecord {
  const last = segments.at(-1)
  return {
    position: tokens,
    lost: last?.provider ?? '',
    next: undefined,
    gapMs: undefined,
    unowed: unowedBy(segments),
    reasonCode: errorCode ?? 'stream.cancelled',
    isResumed: true,
  }
}
