import type { Transcript } from '#shared/stream/transcript.ts'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { Price } from '#shared/prompt/prompt.ts'
import type { Backend, SamplerParams } from '#shared/engine/engine.ts'
import type { StandingEngine } from '#shared/engine/standing-engine.ts'
import type { SubgroupVerdict } from '#shared/engine/subgroup-trial.ts'
import type { ReasoningTags } from '#shared/engine/tokenizer/reasoning.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Mesh, MeshInit } from '../mesh/mesh.ts'
import type { Conversation } from './conversation.ts'
import type { MoneyServices } from './money-services.ts'

/** A model that can be asked for or lent, as the pages list it. */
export interface ModelChoice {
  /** The hash of its manifest: what offers name it by. */
  readonly model: ModelHash
  readonly name: string
  /** A few words on what it is good for. */
  readonly note: string
  /** Prompt and answer together, as far as this model keeps its wits. */
  readonly contextLength: number
  /** The longest answer that is asked for. */
  readonly answerTokens: number
  readonly sampler: SamplerParams
  /** Everything that is downloaded to run it. */
  readonly bytes: number
  /** What to ask for a token when the visitor has not set a price. */
  readonly suggestedPrice: Price
  /** Questions it is good at, to begin with. */
  readonly examples: readonly string[]
}

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

/** What the browser tells of the GPU. A label, never a proof. */
export interface GpuReport {
  readonly adapter: string
  readonly shaderF16: boolean
  /** Software rendering: works, but says nothing of a real GPU's speed. */
  readonly software: boolean
  readonly maxBufferBytes: number
  /** Why the GPU cannot be used; `undefined` where it can. */
  readonly problem: InfernetError | undefined
}

export type LoadPhase = 'checking' | 'downloading' | 'loading' | 'self-testing'

/** `auto` takes the GPU where it is a real one and right, and the processor otherwise. */
export type WantedBackend = Backend | 'auto'

export interface LoadProgress {
  readonly phase: LoadPhase
  readonly loadedBytes: number
  readonly totalBytes: number
}

export interface EngineInit {
  readonly backend: WantedBackend
  /** How much of the time it may compute to begin with, (0, 1]. @default 1 */
  readonly share?: number
  readonly onProgress: (progress: LoadProgress) => void
}

export interface StartedEngine {
  readonly engine: StandingEngine
  /** Set when the GPU was tried first and the processor took over. */
  readonly fellBackFrom: InfernetError | undefined
  /** What is known of the GPU's `subgroups` feature; undefined where there is none or none is used. */
  readonly subgroups: SubgroupVerdict | undefined
  /** How much of the time it may compute from now on, (0, 1]. */
  setShare(share: number): void
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

/** Small settings by name; an unavailable storage forgets and never throws. */
export interface SettingsStore {
  get(name: string): string | undefined
  set(name: string, value: string): void
}

/** What the browser says of the device and the tab, as far as it does. */
export interface Conditions {
  readonly hidden: boolean
  /** `undefined` where the browser does not tell. */
  readonly onBattery: boolean | undefined
  readonly metered: boolean | undefined
  onChange(callback: () => void): () => void
}

/**
 * Everything that the state of the page needs from outside, in one object: the page hands in the real ones, loaded
 * when first used, and tests hand in theirs.
 */
export interface Services {
  readonly clock: Clock
  readonly settings: SettingsStore
  readonly conditions: Conditions
  /** Calls back with the time of each frame that the page draws, until what comes back is called. */
  onFrame(callback: (atMs: number) => void): () => void
  /** False for a page over plain http from another machine. */
  readonly secure: boolean
  /** 16 bytes of randomness as text, to name a conversation. */
  newId(): string
  models(): Promise<readonly ModelChoice[]>
  openMesh(
    init: Pick<MeshInit, 'purpose' | 'hidesAddress'>,
    options: { readonly signal: AbortSignal },
  ): Promise<Mesh>
  /** The name under which this browser lends, now or later; undefined where none lasts. Never throws. */
  lendingName(): Promise<PeerName | undefined>
  loadTokenizer(model: ModelHash, options: { readonly signal: AbortSignal }): Promise<Tokenizer>
  /** Never throws; the report says why the GPU cannot be used. */
  inspectGpu(model: ModelHash | undefined): Promise<GpuReport>
  startEngine(
    model: ModelHash,
    init: EngineInit,
    options: { readonly signal: AbortSignal },
  ): Promise<StartedEngine>
  /** Asks the browser to keep what is downloaded; false where it may throw it away. Never throws, and may wait for the person. */
  keepStorage(): Promise<boolean>
  openHistory(): Promise<History>
  openTranscripts(): Promise<TranscriptStore>
  /** The chain and the wallets; `undefined` where this network uses no money. */
  openMoney(options: { readonly signal: AbortSignal }): Promise<MoneyServices | undefined>
}
