import type { Tokenizer } from '@huggingface/tokenizers'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { AddedToken } from './added-tokens.ts'
import { createSplitter } from './split-sections.ts'

export interface Normalize {
  (text: string): string
  /** What a part of a text becomes within it, without what is put before a whole text. */
  readonly alone: (part: string) => string
}

/** What the library does to a text before its model reads it. */
export function normalizerOf(
  tokenizer: Tokenizer,
  tokenizerConfig: Readonly<Record<string, unknown>>,
): Normalize {
  if (tokenizerConfig['do_lowercase_and_remove_accent'] === true)
    throw new Error('an unknown kind of letters')
  const isSpaceless = tokenizerConfig['remove_space'] === true
  const normalizer = tokenizer.normalizer as ((text: string) => string) | null
  const normalize = (text: string): string => {
    const spaced = isSpaceless ? text.trim().split(/\s+/).join(' ') : text
    return normalizer ? normalizer(spaced) : spaced
  }
  return Object.assign(normalize, { alone: (part: string) => between(normalize, part) })
}

/** Letters that no normalizer joins with their neighbours, and none takes away. */
const EDGE = '0'

function between(normalize: (text: string) => string, part: string): string {
  const written = normalize(EDGE + part + EDGE)
  return written.slice(written.indexOf(EDGE) + EDGE.length, written.lastIndexOf(EDGE))
}

export interface TextEncoderInit {
  readonly tokenizer: Tokenizer
  /** The added tokens that are looked for in the normalized text. */
  readonly added: readonly AddedToken[]
  readonly control: readonly AddedToken[]
  readonly normalize: Normalize
}

/**
 * Encodes a text between control tokens, in which characters stand for fenced pieces, as the library does it. No token of
 * it is a control token, even where the model's vocabulary holds one as a word.
 */
export function createTextEncoder({ tokenizer, added, control, normalize }: TextEncoderInit) {
  const model = tokenizer.model
  if (!model) throw new Error('no model')
  const readWords = model as unknown as (words: readonly string[]) => string[]
  const preTokenize = tokenizer.pre_tokenizer as
    ((text: string, options: { readonly section_index: number }) => string[]) | null
  const split = createSplitter(added, ({ content }) => normalize(content))
  const forbidden = new Set(control.flatMap(({ content }) => [content, normalize(content)]))
  const hasLateControl = control.some((token) => added.includes(token))

  function encodeWords(text: string, place: number): number[] {
    const words = preTokenize ? preTokenize(text, { section_index: place }) : [text]
    return readWords(words)
      .flatMap((word) => (forbidden.has(word) ? readWords([...word]) : [word]))
      .map((word) => model?.tokens_to_ids.get(word) ?? model?.unk_token_id ?? NaN)
  }

  return (text: string, place: number, pieces: ReadonlyMap<string, string>): number[] => {
    if (text === '') return []
    // Put back before normalizing, a piece is read as a part of the whole, but might be found again as a token.
    const written = hasLateControl ? normalize(text) : normalize(putBack(text, pieces))
    if (hasLateControl) mustKeep(text, written, pieces)
    return split(written).flatMap((section) => {
      if ('token' in section) return [section.token.id]
      const whole = hasLateControl
        ? putBack(section.text, pieces, (piece) => normalize.alone(piece))
        : section.text
      return whole === '' ? [] : encodeWords(whole, place)
    })
  }
}

function putBack(
  text: string,
  pieces: ReadonlyMap<string, string>,
  write = (piece: string): string => piece,
): string {
  return pieces.size === 0
    ? text
    : text.replace(/[\ue000-\uf8ff]/g, (character) => {
        const piece = pieces.get(character)
        return piece === undefined ? character : write(piece)
      })
}

/** Some normalizers take private-use characters away, and what they stand for would go with them. */
function mustKeep(text: string, written: string, pieces: ReadonlyMap<string, string>): void {
  for (const character of pieces.keys())
    if (text.includes(character) && !written.includes(character))
      throw new InfernetError('models.unsupported', { reason: 'its tokenizer takes characters away' })
}
