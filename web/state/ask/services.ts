import type { ModelHash } from '#shared/base/ids.ts'
import type { ReasoningTags } from '#shared/engine/tokenizer/reasoning.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { SessionServices } from '../session/services.ts'
import type { Conversation } from './conversation.ts'

export interface ChatMessage {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** Turns a conversation into token ids and token ids into text. */
export interface Tokenizer {
  /** The tokens that end an answer. */
  readonly eosTokens: readonly number[]
  /** How the model marks its thoughts; undefined where it does not think aloud. */
  readonly reasoning: ReasoningTags | undefined
  /** Applies the chat template; when it does not fit beside `reserve` tokens of answer, the oldest turns go first. */
  fitChat(
    messages: readonly ChatMessage[],
    options: { readonly reserve: number },
  ): { readonly tokens: readonly number[]; readonly droppedTurns: number }
  /** A decoder for one answer: text comes out as soon as its bytes are whole. */
  openText(): { push(tokens: readonly number[]): string; end(): string }
}

/** Where conversations are kept. */
export interface History {
  list(): Promise<Conversation[]>
  put(conversation: Conversation): Promise<void>
  remove(id: string): Promise<void>
  clear(): Promise<void>
}

/** What proves answers, by the turn that they belong to. Each act throws where the browser keeps nothing. */
export interface TranscriptStore {
  keep(id: string, jobs: readonly Transcript[]): Promise<void>
  /** As one file; undefined where nothing is kept. */
  read(id: string, how: { readonly withPrompt: boolean }): Promise<Uint8Array<ArrayBuffer> | undefined>
  remove(ids: readonly string[]): Promise<void>
  clear(): Promise<void>
}

export interface AskServices extends SessionServices {
  loadTokenizer(model: ModelHash, options: { readonly signal: AbortSignal }): Promise<Tokenizer>
  openHistory(): Promise<History>
  openTranscripts(): Promise<TranscriptStore>
}
