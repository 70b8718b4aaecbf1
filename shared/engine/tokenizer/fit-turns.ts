import { InfernetError } from '../../errors/infernet-error.ts'
import type { ChatMessage } from './chat-message.ts'

export interface FittedTurns<T> {
  /** What stays of the chat. */
  readonly messages: readonly ChatMessage[]
  readonly tokens: readonly T[]
  readonly droppedTurns: number
}

/**
 * Leaves out the oldest turns (a question with its answer) until at most `maxTokens` are left. System messages at the
 * head and the last question always stay.
 *
 * The chat is encoded about log2(turns) times: what is shorter by a turn is taken to have no more tokens. Where the
 * counts that were seen say otherwise, turns are left out one by one.
 *
 * @throws InfernetError `prompt.too-long` when what must stay does not fit
 */
export function fitTurns<T>(
  messages: readonly ChatMessage[],
  encode: (messages: readonly ChatMessage[]) => readonly T[],
  maxTokens: number,
): FittedTurns<T> {
  const head = headLength(messages)
  const starts = turnStarts(messages, head)
  const last = starts.length - 1
  const seen = new Map<number, FittedTurns<T>>()
  function without(droppedTurns: number): FittedTurns<T> {
    const before = seen.get(droppedTurns)
    if (before) return before
    const left =
      droppedTurns === 0 ? messages : [...messages.slice(0, head), ...messages.slice(starts[droppedTurns])]
    const fitted = { messages: left, tokens: encode(left), droppedTurns }
    seen.set(droppedTurns, fitted)
    return fitted
  }
  const fits = (droppedTurns: number): boolean => without(droppedTurns).tokens.length <= maxTokens

  if (fits(0)) return without(0)
  if (!fits(last))
    throw new InfernetError('prompt.too-long', { tokens: without(last).tokens.length, maxTokens })
  const dropped = firstOf(last, fits)
  return isFalling([...seen.values()]) ? without(dropped) : oneByOne(without, fits)
}

/** The least of 1 to `last` for which it is so; it is so for `last`, and not for 0. */
function firstOf(last: number, isSo: (n: number) => boolean): number {
  let [no, yes] = [0, last]
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2)
    if (isSo(middle)) yes = middle
    else no = middle
  }
  return yes
}

function isFalling<T>(seen: readonly FittedTurns<T>[]): boolean {
  const counts = seen.toSorted((a, b) => a.droppedTurns - b.droppedTurns).map(({ tokens }) => tokens.length)
  return counts.every((count, i) => i === 0 || count <= (counts[i - 1] ?? 0))
}

function oneByOne<T>(
  without: (dropped: number) => FittedTurns<T>,
  fits: (dropped: number) => boolean,
): FittedTurns<T> {
  for (let dropped = 1; ; dropped++) if (fits(dropped)) return without(dropped)
}

/** System messages before anything else. */
function headLength(messages: readonly ChatMessage[]): number {
  const head = messages.findIndex(({ role }) => role !== 'system')
  return head < 0 ? messages.length : head
}

/** Where each turn begins: at the head's end, and at each question behind it, up to the last one. */
function turnStarts(messages: readonly ChatMessage[], head: number): readonly number[] {
  const questions = messages.flatMap(({ role }, i) => (role === 'user' && i > head ? [i] : []))
  return [head, ...questions]
}
