import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import { baseUnits } from '../base/units.ts'
import type { ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import { createTextStream } from '../engine/tokenizer/text-stream.ts'
import { AnswerProgress } from '../peer/answer-progress.ts'
import type { AnswerEvent, AnswerSummary, BegunAnswer, Peer, Segment } from '../peer/peer.ts'
import type { Payer } from '../peer/payer.ts'
import type { Prompt } from '../prompt/prompt.ts'
import { secondAfter, segmentsAfter } from './segments.ts'
import { createStopText } from './stop-text.ts'

/** What an answer tells while it is written: the events of `Peer.ask`, with text. */
export type TextEvent =
  | Exclude<AnswerEvent, { type: 'tokens' }>
  /** The text that these tokens add: none while a character is not whole, or where a stop may have begun. */
  | { readonly type: 'tokens'; readonly tokens: readonly number[]; readonly text: string }
  /** All the text of an answer that is continued, before anything is added to it. */
  | { readonly type: 'begun'; readonly tokens: readonly number[]; readonly text: string }
  /** This tab itself writes from this position on, see `askLocally`. */
  | { readonly type: 'local'; readonly position: number; readonly seed: Uint8Array }
  /** What was held back of the text, when the answer is over or breaks off. */
  | { readonly type: 'text'; readonly text: string }

export interface AskTextComponents {
  readonly peer: Pick<Peer, 'ask'>
  readonly tokenizer: Pick<ChatTokenizer, 'decode'>
  readonly clock: Clock
}

export interface AskTextOptions {
  /** Texts that end the answer where they come, in a thought as well; they are no part of it. */
  readonly stop?: readonly string[]
  /** Who is not asked. */
  readonly except?: readonly PeerName[]
  /** Who pays; without one only those are asked that work for nothing. */
  readonly payer?: Payer | undefined
  /** Continues an answer to this prompt where it broke off. */
  readonly begun?: BegunAnswer | undefined
  /** Asks two providers and compares them, see `Peer.ask`. */
  readonly redundant?: 2 | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks the network and reads the answer as text, thoughts with their marks (`splitReasoning` parts them). Whatever came
 * is told before it ends, however it ends; what was asked and came to is in the summary of `done`.
 *
 * At a stop the provider is told to stop. Its last signed tokens and payments still come, then `done`, and what it
 * wrote beyond the stop is counted.
 *
 * @throws InfernetError as `Peer.ask`; leave the loop or abort the signal to cancel
 *
 * @example
 * for await (const event of askText({ peer, tokenizer, clock }, prompt, { stop: ['\nUser:'] }))
 *   if (event.type === 'tokens' || event.type === 'text') show(event.text)
 */
export async function* askText(
  { peer, tokenizer, clock }: AskTextComponents,
  prompt: Prompt,
  { stop = [], except = [], payer, begun, redundant, signal }: AskTextOptions = {},
): AsyncGenerator<TextEvent, void, void> {
  const stream = createTextStream(tokenizer)
  const cut = createStopText(stop)
  const atStop = new AbortController()
  const progress = new AnswerProgress(clock, begun)
  let segments: readonly Segment[] = []
  let second: readonly Segment[] = []
  let isDone = false
  function* heldBack(): Generator<TextEvent> {
    const text = cut.push(stream.flush()) + cut.flush()
    if (text !== '') yield { type: 'text', text }
  }
  if (begun) yield { type: 'begun', tokens: begun.tokens, text: cut.push(stream.push(begun.tokens)) }
  if (cut.isStopped) atStop.abort()
  try {
    const either = AbortSignal.any([atStop.signal, ...(signal ? [signal] : [])])
    for await (const event of peer.ask(prompt, { except, payer, begun, redundant, signal: either })) {
      segments = segmentsAfter(segments, event)
      second = secondAfter(second, event)
      switch (event.type) {
        case 'tokens':
          progress.add(event.tokens)
          yield { ...event, text: cut.push(stream.push(event.tokens)) }
          if (cut.isStopped) atStop.abort()
          break
        case 'done':
          isDone = true
          yield* heldBack()
          yield cut.isStopped ? { ...event, summary: { ...event.summary, finish: 'stop' } } : event
          break
        default:
          yield event
      }
    }
  } catch (thrown) {
    yield* heldBack()
    if (!cut.isStopped) throw thrown // at a stop it is complete, and this is how the peer ends
  }
  if (isDone || !cut.isStopped) return
  for (const segment of segments) progress.endSegment(segment)
  const summary = progress.summarise('stop', prompt.promptTokens.length)
  yield { type: 'done', summary: second.length > 0 ? withSecond(summary, second) : summary }
}

/** The summary of what one of two wrote, with the other one's part of the cost. */
function withSecond(summary: AnswerSummary, second: readonly Segment[]): AnswerSummary {
  const all = (sum: bigint, kind: 'due' | 'paid') =>
    baseUnits(second.reduce((a, each) => a + each[kind], sum))
  return { ...summary, second, due: all(summary.due, 'due'), paid: all(summary.paid, 'paid') }
}
