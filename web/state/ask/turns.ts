import { hasCost } from '#shared/client/segments.ts'
import type { ChatMessage } from '#shared/engine/tokenizer/chat-message.ts'
import type { Segment } from '#shared/peer/peer.ts'
import { answerText, type Turn } from './conversation.ts'

/** Who wrote, is owed or was paid something: they count for what the answer costs. */
export function costly(segments: readonly Segment[]): readonly Segment[] {
  return segments.filter(hasCost)
}

/** Only the last answer is continued: what it would take for an earlier one is not kept. */
export function withoutContinuation(turn: Turn): Turn {
  return { ...turn, answer: { ...turn.answer, continuation: undefined } }
}

/** Of all turns, how many stand before the first that the model sees; turns without an answer were never sent. */
export function leftOut(turns: readonly Turn[], dropped: number): number {
  const sent = turns.flatMap((turn, i) => (answerText(turn.answer) || i === turns.length - 1 ? [i] : []))
  return dropped === 0 ? 0 : (sent[dropped] ?? turns.length - 1)
}

/**
 * Questions with their answers so far, as the chat template takes them; unanswered ones are left out. Each is read by the
 * marks of the model that wrote it, since another one may be asked now.
 */
export function messagesOf(turns: readonly Turn[]): ChatMessage[] {
  const last = turns.at(-1)
  return turns.flatMap((turn) => {
    const question: ChatMessage = { role: 'user', content: turn.question }
    if (turn === last) return [question]
    const text = answerText(turn.answer)
    return text ? [question, { role: 'assistant' as const, content: text }] : []
  })
}
