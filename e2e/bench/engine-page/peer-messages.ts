import type { Backend } from '#shared/engine/engine.ts'

export interface PeerModel {
  /** Folder below the page's `models/`. */
  readonly id: string
  readonly dtype: string
  readonly backend: Backend
  readonly threads: number
}

/** Prompts of one length, answered as one batch. */
export interface PeerRequest {
  readonly prompts: readonly (readonly number[])[]
  /** Of each answer: neither more nor fewer. */
  readonly tokens: number
}

export type PeerQuestion =
  | { readonly kind: 'load'; readonly model: PeerModel; readonly models: string }
  | { readonly kind: 'answer'; readonly request: PeerRequest }

export type PeerMessage =
  /** One token of each answer, as they come. */
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string }
