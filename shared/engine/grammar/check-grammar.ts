import { InfernetError } from '../../errors/infernet-error.ts'
import type { GrammarSource } from '../engine.ts'

/** Characters of a schema or grammar. */
export const MAX_GRAMMAR_LENGTH = 16_384

/** @throws InfernetError `prompt.bad-parameters` when its text is too long */
export function checkGrammar(grammar: GrammarSource | undefined): void {
  if (!grammar || grammar.kind === 'json') return
  const text = grammar.kind === 'gbnf' ? grammar.grammar : grammar.schema
  if (text.length > MAX_GRAMMAR_LENGTH)
    throw new InfernetError('prompt.bad-parameters', { parameter: 'grammar' })
}
