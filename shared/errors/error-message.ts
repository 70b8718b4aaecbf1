import { clip, isPlainLine } from '../base/text-bounds.ts'
import { isErrorCode } from './code-table.ts'
import type { ErrorFacts } from './codes/entry.ts'
import { InfernetError } from './infernet-error.ts'

/** How a failure crosses the wire or the worker's border: never with a sentence, a stack or a cause. */
export interface ErrorMessage {
  readonly code: string
  readonly facts: Readonly<Record<string, string | number | boolean>>
}

/** Facts beyond this are dropped: a refusal is small. */
export const MAX_FACTS = 8
/** A fact is a word or a number, not a text. @internal */
export const MAX_FACT_CHARACTERS = 64

/** The code and the facts of anything thrown; what has no name leaves as `internal`. */
export function errorToMessage(thrown: unknown): ErrorMessage {
  const { code, facts } = InfernetError.from(thrown)
  return { code, facts: boundFacts(facts) }
}

/**
 * Rebuilds the error of our own worker with our own words. Unknown codes become `peer.refused`; unprintable facts are
 * dropped.
 */
export function errorFromMessage(message: ErrorMessage): InfernetError {
  const facts = boundFacts(message.facts)
  return isErrorCode(message.code)
    ? new InfernetError(message.code, facts)
    : new InfernetError('peer.refused', isCodeLike(message.code) ? { code: message.code } : {})
}

/**
 * Rebuilds a stranger's refusal. Of its facts only numbers and single words are kept: our sentences are filled with
 * them, and a phrase, a link or markup in one would read as if we had said it.
 */
export function errorFromPeer({ code, facts }: ErrorMessage): InfernetError {
  const words = Object.entries(facts).filter(([, value]) => typeof value !== 'string' || isWord(value))
  return errorFromMessage({ code, facts: Object.fromEntries(words) })
}

/** What a code of a newer version looks like. */
function isCodeLike(text: string): boolean {
  return /^[a-z]{1,20}(\.[a-z-]{1,40})?$/.test(text)
}

function isWord(text: string): boolean {
  return /^[\w-]{1,40}$/.test(text)
}

function boundFacts(facts: ErrorFacts): Record<string, string | number | boolean> {
  const kept: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(facts).slice(0, MAX_FACTS)) {
    if (!/^[a-zA-Z]{1,24}$/.test(name)) continue
    if (typeof value === 'string' && isPlainLine(value)) kept[name] = clip(value, MAX_FACT_CHARACTERS)
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
      kept[name] = value
  }
  return kept
}
