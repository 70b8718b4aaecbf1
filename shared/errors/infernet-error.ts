import { CODE_TABLE, type ErrorCode } from './code-table.ts'
import type { ErrorFacts } from './codes/entry.ts'

/**
 * The one error of Infernet: a stable code, a short sentence, the facts, the fix and the cause.
 *
 * @example
 * throw new InfernetError('prompt.too-long', { tokens: 1200, maxTokens: 1024 })
 */
export class InfernetError extends Error {
  override readonly name = 'InfernetError'
  readonly code: ErrorCode
  readonly facts: ErrorFacts
  readonly fix: string

  constructor(code: ErrorCode, facts: ErrorFacts = {}, options: { cause?: unknown } = {}) {
    super(CODE_TABLE[code].says(facts), options)
    this.code = code
    this.facts = facts
    this.fix = CODE_TABLE[code].fix
  }

  /** Wraps anything thrown; an `InfernetError` passes as it is. */
  static from(thrown: unknown, code: ErrorCode = 'internal', facts: ErrorFacts = {}): InfernetError {
    return thrown instanceof InfernetError ? thrown : new InfernetError(code, facts, { cause: thrown })
  }
}

/** True when `thrown` is an {@link InfernetError} with that code. */
export function hasCode(thrown: unknown, code: ErrorCode): thrown is InfernetError {
  return thrown instanceof InfernetError && thrown.code === code
}
