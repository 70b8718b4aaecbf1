import type { ModelHash } from '#shared/base/ids.ts'
import type { askLocally } from '#shared/client/ask-locally.ts'
import type { askText } from '#shared/client/ask-text.ts'
import type { ModelList } from '#shared/client/model-library.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import type { SessionServices } from '../session/services.ts'
import type { CheckableJob, CheckService } from './check-service.ts'
import type { Conversation } from './conversation.ts'

/** Where conversations are kept. */
export interface History {
  list(): Promise<Conversation[]>
  put(conversation: Conversation): Promise<void>
  remove(id: string): Promise<void>
  clear(): Promise<void>
}

/** What proves answers, by the turn that they belong to. Each act throws where the browser keeps nothing. */
export interface TranscriptStore {
  /** In place of what was kept for this turn, or beside it where these jobs continued its answer. */
  keep(id: string, jobs: readonly Transcript[], how: { readonly isContinued: boolean }): Promise<void>
  /** As they were kept, and when; undefined where nothing is. */
  jobs(id: string): Promise<{ readonly at: number; readonly jobs: readonly Transcript[] } | undefined>
  /** As one file; undefined where nothing is kept. */
  read(id: string, how: { readonly withPrompt: boolean }): Promise<Uint8Array<ArrayBuffer> | undefined>
  remove(ids: readonly string[]): Promise<void>
  clear(): Promise<void>
}

/** Files that prove what checks found, by the turn and the job. Each act throws where the browser keeps nothing. */
export interface EvidenceStore {
  keep(turn: string, job: string, file: Uint8Array): Promise<void>
  read(turn: string, job: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  remove(turns: readonly string[]): Promise<void>
  clear(): Promise<void>
}

export interface AskServices extends SessionServices {
  /** Loads each once. */
  loadTokenizer(model: ModelHash): Promise<ChatTokenizer>
  readonly askText: typeof askText
  readonly askLocally: typeof askLocally
  /** 32 bytes of chance that decide every draw of an answer. */
  newSeed(): Uint8Array
  /** Whether all of the model is on this device. Never throws. */
  modelIsHere(model: ModelHash): Promise<boolean>
  openHistory(): Promise<History>
  /** Whether this device could run them, by a model's hash or a proposal's id. Never throws. */
  fitsHere(list: ModelList): Promise<ReadonlyMap<string, boolean>>
  openTranscripts(): Promise<TranscriptStore>
  openEvidence(): Promise<EvidenceStore>
  /**
   * What of an answer can be checked, in its order, by what proves it.
   *
   * @throws InfernetError `stream.bad-transcript`
   */
  checkableJobs(jobs: readonly Transcript[]): Promise<readonly CheckableJob[]>
  /** Who has answers checked. */
  checksOf(mesh: Mesh): CheckService
}
