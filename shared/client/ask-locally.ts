import type { Clock } from '../base/clock.ts'
import { createTextStream } from '../engine/tokenizer/text-stream.ts'
import type { ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import type { Engine } from '../engine/engine.ts'
import { AnswerProgress } from '../peer/answer-progress.ts'
import type { BegunAnswer } from '../peer/peer.ts'
import type { Prompt } from '../prompt/prompt.ts'
import type { TextEvent } from './ask-text.ts'
import { createStopText } from './stop-text.ts'

export interface AskLocallyComponents {
  readonly engine: Pick<Engine, 'generate'>
  readonly tokenizer: Pick<ChatTokenizer, 'decode'>
  readonly clock: Clock
}

export interface AskLocallyOptions {
  /** 32 bytes of chance, for an answer that is not begun yet. */
  readonly seed: Uint8Array
  /** As in `askText`. */
  readonly stop?: readonly string[]
  readonly begun?: BegunAnswer | undefined
  readonly signal?: AbortSignal | undefined
}

/** By this name the engine counts what this tab asks beside those it lends to. */
const CLIENT = 'this tab'

/**
 * The same answer as from the network, from an engine that runs here: the same events, nothing is sent, nobody signs and
 * nothing is owed. An answer that began elsewhere goes on at its position in the same stream of draws, and the other way
 * round.
 *
 * @throws InfernetError as `Engine.generate`; leave the loop or abort the signal to cancel
 *
 * @example
 * for await (const event of askLocally({ engine, tokenizer, clock }, prompt, { seed }))
 *   if (event.type === 'tokens' || event.type === 'text') show(event.text)
 */
export async function* askLocally(
  { engine, tokenizer, clock }: AskLocallyComponents,
  prompt: Prompt,
  { seed: newSeed, stop = [], begun, signal }: AskLocallyOptions,
): AsyncGenerator<TextEvent, void, void> {
  const stream = createTextStream(tokenizer)
  const cut = createStopText(stop)
  const progress = new AnswerProgress(clock, begun)
  const seed = begun?.seed ?? newSeed
  const priorTokens = begun?.tokens ?? []
  function* heldBack(): Generator<TextEvent> {
    const text = cut.push(stream.flush()) + cut.flush()
    if (text !== '') yield { type: 'text', text }
  }
  yield { type: 'local', position: priorTokens.length, seed }
  if (begun) yield { type: 'begun', tokens: begun.tokens, text: cut.push(stream.push(begun.tokens)) }
  const { promptTokens, sampler } = prompt
  const maxTokens = prompt.maxTokens - priorTokens.length
  const request = { promptTokens, priorTokens, sampler, seed, maxTokens, client: CLIENT }
  let finish: 'stop' | 'length' = 'stop'
  try {
    if (!cut.isStopped && maxTokens > 0)
      for await (const batch of engine.generate(request, { signal })) {
        if (batch.tokens.length > 0) {
          progress.add(batch.tokens)
          yield { type: 'tokens', tokens: batch.tokens, text: cut.push(stream.push(batch.tokens)) }
        }
        finish = batch.finish ?? finish
        if (cut.isStopped) break
      }
  } catch (thrown) {
    yield* heldBack()
    throw thrown
  }
  yield* heldBack()
  if (cut.isStopped) finish = 'stop'
  yield { type: 'done', summary: progress.summarise(finish, promptTokens.length) }
}
