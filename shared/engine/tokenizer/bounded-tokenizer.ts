import {
  SequenceDecoder,
  SequenceNormalizer,
  SequencePreTokenizer,
  Tokenizer,
  Unigram,
} from '@huggingface/tokenizers'
import { checkTokenizer } from './check-tokenizer.ts'
import { boundUnigram } from './bounded-unigram.ts'
import { parseRegex } from './regex/parse-regex.ts'
import { SteppedRegExp } from './regex/stepped-regexp.ts'
import { TextBudget } from './text-budget.ts'

type Json = Readonly<Record<string, unknown>>

export interface BoundedTokenizer {
  readonly tokenizer: Tokenizer
  /** To be restarted before each text. */
  readonly budget: TextBudget
}

/**
 * The library's tokenizer, of which no part works longer on a text than its budget allows: each step is run by itself and
 * what comes out of it is counted, and its regular expressions are run in counted steps.
 *
 * @throws InfernetError `models.unsupported`, and whatever the library throws on files that it cannot read
 */
export function createBoundedTokenizer(tokenizerJson: Json, tokenizerConfig: Json): BoundedTokenizer {
  checkTokenizer(tokenizerJson)
  const budget = new TextBudget()
  const { normalizer, pre_tokenizer: preTokenizer } = tokenizerJson
  // The library would run the normalizer over all added tokens, and compare all special ones with one another.
  const tokenizer = new Tokenizer(
    { ...tokenizerJson, normalizer: null, pre_tokenizer: null },
    { ...tokenizerConfig, additional_special_tokens: [] },
  )
  const { decoder, model } = tokenizer
  const replaced = { normalizer: null as unknown, pre_tokenizer: null as unknown }
  if (isThere(normalizer)) replaced.normalizer = boundNormalizer(normalizer, budget)
  if (isThere(preTokenizer)) replaced.pre_tokenizer = boundPreTokenizer(preTokenizer, budget)
  Object.assign(tokenizer, replaced)
  if (decoder) boundDecoder(decoder as unknown as DecoderStep, budget)
  if (model instanceof Unigram) boundUnigram(model, budget)
  return { tokenizer, budget }
}

function isThere(part: unknown): part is Json {
  return part !== null && part !== undefined
}

/** A step as the library makes it; one of the kind `Sequence` holds others. */
interface Step {
  readonly config?: { readonly pattern?: { readonly Regex?: unknown }; readonly behavior?: unknown }
  pattern?: unknown
  readonly normalizers?: readonly (Step | null)[]
  readonly tokenizers?: readonly (Step | null)[]
  readonly decoders?: readonly (Step | null)[]
}

interface NormalizerStep extends Step {
  normalize(text: string): string
}

function boundNormalizer(config: Json, budget: TextBudget): (text: string) => string {
  const root = new SequenceNormalizer({ type: 'Sequence', normalizers: [config] } as never)
  const steps = flatten(root as unknown as Step, budget) as readonly NormalizerStep[]
  return (text) =>
    steps.reduce((before, step) => {
      const after = step.normalize(before)
      budget.hold([after])
      return after
    }, text)
}

interface PreTokenizerStep extends Step {
  pre_tokenize(words: readonly string[], options: unknown): string[]
}

function boundPreTokenizer(config: Json, budget: TextBudget): (text: string, options: unknown) => string[] {
  const root = new SequencePreTokenizer({ type: 'Sequence', pretokenizers: [config] } as never)
  const steps = flatten(root as unknown as Step, budget) as readonly PreTokenizerStep[]
  return (text, options) =>
    steps.reduce(
      (before, step) => {
        const after = step.pre_tokenize(before, options)
        budget.hold(after)
        return after
      },
      [text],
    )
}

interface DecoderStep extends Step {
  decode_chain(tokens: readonly string[]): string[]
}

function boundDecoder(root: DecoderStep, budget: TextBudget): void {
  const isSequence = root instanceof SequenceDecoder
  const own = root.decode_chain.bind(root)
  const steps = flatten(root, budget) as readonly DecoderStep[]
  root.decode_chain = (tokens) => {
    budget.restart(tokens.reduce((sum, token) => sum + token.length, 0))
    return steps.reduce(
      (before, step) => {
        const after = isSequence ? step.decode_chain(before) : own(before)
        budget.hold(after)
        return after
      },
      [...tokens],
    )
  }
}

/** The steps in their order, each with its regular expression bounded. */
function flatten(step: Step | null, budget: TextBudget): readonly Step[] {
  if (!step) return []
  const inner = step.normalizers ?? step.tokenizers ?? step.decoders
  if (inner) return inner.flatMap((each) => flatten(each, budget))
  boundPattern(step, budget)
  return [step]
}

function boundPattern(step: Step, budget: TextBudget): void {
  const { pattern, config } = step
  if (!(pattern instanceof RegExp) || typeof config?.pattern?.Regex !== 'string') return
  // The library would put the groups among the words.
  const splitsOut = typeof config.behavior === 'string' && config.behavior.toLowerCase() === 'removed'
  if (splitsOut && parseRegex(pattern.source).hasCaptures) throw new Error('a split with groups')
  step.pattern = new SteppedRegExp(pattern, pattern.flags, budget)
}
