/** A token that a tokenizer looks for in a text before anything else, as it stands. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
  /** It is looked for in the normalized text. */
  readonly normalized: boolean
  /** It takes the spaces before it, and those behind it. */
  readonly lstrip: boolean
  readonly rstrip: boolean
}

/** The added tokens of a tokenizer.json; two of them may have one id. */
export function addedTokens(tokenizerJson: Readonly<Record<string, unknown>>): readonly AddedToken[] {
  const listed: readonly unknown[] = Array.isArray(tokenizerJson['added_tokens'])
    ? tokenizerJson['added_tokens']
    : []
  return listed.map(readToken).filter(({ content }) => content !== '')
}

function readToken(listed: unknown): AddedToken {
  if (typeof listed !== 'object' || listed === null) throw new Error('no added token')
  const { id, content, special, normalized, lstrip, rstrip } = listed as Readonly<Record<string, unknown>>
  if (typeof id !== 'number' || typeof content !== 'string') throw new Error('no added token')
  const isSpecial = special === true
  return {
    id,
    content,
    special: isSpecial,
    normalized: typeof normalized === 'boolean' ? normalized : !isSpecial,
    lstrip: lstrip === true,
    rstrip: rstrip === true,
  }
}

/** `<|im_end|>`, `<｜User｜>`, `[INST]`: no text has them by chance. */
const MARK = /^(?:<[|｜].*[|｜]>|\[\/?[A-Z][A-Z_]*\])$/s
/** Spaces, words and numbers are in every text, and in every template. */
const PLAIN = /^[\p{L}\p{N}\s\u2581_]*$/u

/**
 * Whether a token steers the model, so that nothing a person writes may become it: what is flagged so, what the chat
 * template writes by itself whatever its flag says, and what looks like a mark. Gemma's `<table>` and the like are none.
 */
export function isControl(token: AddedToken, writes: (text: string) => boolean): boolean {
  return token.special || MARK.test(token.content) || (!PLAIN.test(token.content) && writes(token.content))
}
