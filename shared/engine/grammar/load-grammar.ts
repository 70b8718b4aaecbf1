import type { GrammarSource } from '../engine.ts'
import type { GrammarMatcher, GrammarVocabulary } from './grammar.ts'

export interface GrammarLoaderInit {
  /** tokenizer.json, parsed; asked for once, at the first grammar. */
  readonly readTokenizer: () => Promise<Readonly<Record<string, unknown>>>
  readonly vocabSize: number
  readonly eosTokens: ReadonlySet<number>
}

/**
 * Gives the matcher of an answer's grammar. Nothing of it is loaded before somebody asks for one: neither its code nor
 * the bytes of the vocabulary, which take some tenths of a second and about 10 MB for 150,000 tokens.
 *
 * The returned function throws what `compileGrammar`, `createGrammarVocabulary` and `readTokenizer` throw.
 *
 * @example
 * const loadGrammar = createGrammarLoader({ readTokenizer: () => readJson(files, 'tokenizer.json'), vocabSize, eosTokens })
 * const grammar = params.grammar && (await loadGrammar(params.grammar))
 * const sampler = createSampler(params, seed, { ...context, grammar })
 */
export function createGrammarLoader({
  readTokenizer,
  vocabSize,
  eosTokens,
}: GrammarLoaderInit): (source: GrammarSource) => Promise<GrammarMatcher> {
  let vocabulary: Promise<GrammarVocabulary> | undefined
  return async (source) => {
    const { compileGrammar, createGrammarVocabulary } = await import('./grammar.ts')
    const grammar = compileGrammar(source)
    vocabulary ??= readTokenizer().then((tokenizer) =>
      createGrammarVocabulary(tokenizer, vocabSize, eosTokens),
    )
    // What failed to load is asked for again the next time.
    vocabulary.catch(() => (vocabulary = undefined))
    return grammar.match(await vocabulary)
  }
}
