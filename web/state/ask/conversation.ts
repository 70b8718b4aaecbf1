import type { ModelHash } from '#shared/base/ids.ts'
import type { ReasoningTags } from '#shared/engine/tokenizer/reasoning-marks.ts'
import { placeAnswer } from '#shared/engine/tokenizer/reasoning.ts'
import type { Segment } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { JobCheck } from './check-record.ts'

/** A place in an answer where the provider changed. */
export interface SeamRecord {
  /** Token position in the answer. */
  readonly position: number
  readonly lost: string
  /** Who went on; `undefined` while one is looked for. */
  readonly next: string | undefined
  readonly gapMs: number | undefined
  /** Tokens of the lost provider beyond its last signed block: they stay and are not owed. */
  readonly unowed: number
  readonly reasonCode: string
  /** True where the answer had ended, and the visitor had it continued. */
  readonly isResumed?: boolean
}

/** A stretch of text from one provider, with the seam that precedes it. */
export interface Piece {
  readonly seam: SeamRecord | undefined
  readonly text: string
}

/** What it takes to continue an answer that broke off: the same question, the same draws, the same position. */
export interface Continuation {
  readonly prompt: Prompt
  readonly seed: Uint8Array
  readonly tokens: readonly number[]
}

/** What two providers wrote of one answer, compared. */
export interface Comparison {
  /** How many tokens both wrote alike; undefined while it goes on. */
  readonly tokens: number | undefined
  /** Where they parted, and who: the text is of the first. Undefined where they did not. */
  readonly parted?: { readonly position: number; readonly providers: readonly [string, string] } | undefined
  /** Why the second one did not come to its end. */
  readonly reasonCode?: string | undefined
}

export type AnswerStage = 'waiting' | 'searching' | 'answering' | 'done' | 'stopped' | 'failed'

/** An answer as it is kept: plain data, so that it can be stored as it is. */
export interface AnswerRecord {
  readonly stage: AnswerStage
  readonly pieces: readonly Piece[]
  /** How the model marks its thoughts in the pieces' text; undefined where it does not think aloud. */
  readonly reasoning?: ReasoningTags | undefined
  readonly segments: readonly Segment[]
  /** Of two that were asked: what the other one's providers wrote, which is not in the text. */
  readonly second?: readonly Segment[] | undefined
  /** Undefined where one was asked. */
  readonly comparison?: Comparison | undefined
  readonly tokens: number
  /** To all providers. */
  readonly due: bigint
  readonly ttftMs: number | undefined
  readonly tokensPerSecond: number | undefined
  /** True when the answer ended because it reached its greatest length. */
  readonly cut: boolean
  /** Turns of the conversation, oldest first, that the model did not see. */
  readonly droppedTurns: number
  /** The position from which this tab wrote by itself; undefined where it did not. */
  readonly localFrom?: number | undefined
  readonly errorCode: string | undefined
  readonly errorFacts: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  /** Undefined before the first token, and when the answer is complete. */
  readonly continuation?: Continuation | undefined
}

/** In place of a provider's name, where this tab wrote by itself. */
export const THIS_TAB = 'this tab'

export interface Turn {
  readonly id: string
  readonly question: string
  readonly model: ModelHash
  readonly modelName: string
  readonly answer: AnswerRecord
  /** What checks of this answer found, the newest last. */
  readonly checks?: readonly JobCheck[] | undefined
}

export interface Conversation {
  readonly id: string
  readonly title: string
  readonly updatedAt: number
  readonly turns: readonly Turn[]
}

export const EMPTY_ANSWER: AnswerRecord = {
  stage: 'searching',
  pieces: [],
  segments: [],
  tokens: 0,
  due: 0n,
  ttftMs: undefined,
  tokensPerSecond: undefined,
  cut: false,
  droppedTurns: 0,
  errorCode: undefined,
  errorFacts: undefined,
}

const TITLE_CHARACTERS = 60

/** The first line of the first question, cut at a word. */
export function titleOf(question: string): string {
  const line = question.trim().split('\n', 1)[0] ?? ''
  if (line.length <= TITLE_CHARACTERS) return line
  const cut = line.slice(0, TITLE_CHARACTERS)
  const space = cut.lastIndexOf(' ')
  return `${space > TITLE_CHARACTERS / 2 ? cut.slice(0, space) : cut}…`
}

/** An answer as it is read: the thought apart, and the rest in its pieces. */
export interface ReadAnswer {
  /** Without its marks; empty where there was no thought. */
  readonly thought: string
  readonly isThinking: boolean
  readonly pieces: readonly Piece[]
}

/** Parts the thought from the answer. Seams stay, also those that fell into the thought. */
export function readAnswer({
  pieces,
  reasoning,
  stage,
}: Pick<AnswerRecord, 'pieces' | 'reasoning' | 'stage'>): ReadAnswer {
  if (!reasoning) return { thought: '', isThinking: false, pieces }
  const whole = pieces.map(({ text }) => text).join('')
  const { reasoning: thought, from, to, isThinking } = placeAnswer(whole, reasoning, !isOpen(stage))
  let at = 0 // where the piece begins in the whole
  const rest = pieces.map((piece) => {
    const text = piece.text.slice(Math.max(0, from - at), Math.max(0, to - at))
    at += piece.text.length
    return { ...piece, text }
  })
  return { thought, isThinking, pieces: rest }
}

/** The text of an answer without its seams and without the thought: what others may read of it. */
export function answerText(answer: AnswerRecord): string {
  return readAnswer(answer)
    .pieces.map(({ text }) => text)
    .join('')
}

/** What a stored answer means after a reload: whatever was under way has been stopped; the question is kept. */
export function settleAfterReload(conversation: Conversation): Conversation {
  const turns = conversation.turns.map((turn) =>
    isOpen(turn.answer.stage) ? { ...turn, answer: { ...turn.answer, stage: 'stopped' as const } } : turn,
  )
  return { ...conversation, turns }
}

/** What continues an answer that broke off; undefined where nothing does. */
export function continuationOf({ stage, continuation }: AnswerRecord): Continuation | undefined {
  return stage === 'stopped' || stage === 'failed' ? continuation : undefined
}

/** True while something may still come. */
export function isOpen(stage: AnswerStage): boolean {
  return stage === 'waiting' || stage === 'searching' || stage === 'answering'
}
