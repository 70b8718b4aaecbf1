import type { Backend } from '#shared/engine/engine.ts'

export interface SideModel {
  readonly id: string
  readonly dtype: string
  readonly backend: Backend
}

export interface SideRequest {
  /** All of one length, so that a batch needs no padding. */
  readonly prompts: readonly (readonly number[])[]
  /** Of each answer. */
  readonly tokens: number
}

/** Answers to one request, timed in the page. */
export interface SideAnswers {
  readonly tokens: readonly (readonly number[])[]
  /** From the call to the first token of any answer, from there to the last of all, and both. */
  readonly firstMs: number
  readonly spanMs: number
}

/** One of the two that are compared: our engine, or the library that a user would take instead. */
export interface Side {
  /** From nothing to an engine that answers, in milliseconds. */
  load(model: SideModel): Promise<number>
  /** Greedy, all prompts at once, exactly that many tokens each. */
  answer(request: SideRequest): Promise<SideAnswers>
  /** Milliseconds since the last question that the processor took to give work to the GPU, see the probe. */
  submitMs(): Promise<number>
  close(): Promise<void>
}
