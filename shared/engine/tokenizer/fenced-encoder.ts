import { Tokenizer } from '@huggingface/tokenizers'
import { InfernetError } from '../../errors/infernet-error.ts'

/**
 * Encodes a rendered chat so that what people wrote can never become a control token.
 *
 * A pasted page that holds `<|im_end|>` would otherwise end the user's message and begin another in the system's name.
 * Each such text in a message is swapped for a marker before the template is rendered; the rendered text is cut at the
 * markers, and each is filled with the same characters encoded as plain text. A message without such texts is encoded
 * exactly as the model's own library would.
 */
export function createFencedEncoder(
  tokenizerJson: Readonly<Record<string, unknown>>,
  tokenizerConfig: Readonly<Record<string, unknown>>,
  tokenizer: Tokenizer,
): (contents: readonly string[], render: (contents: readonly string[]) => string) => number[] {
  const plain = new Tokenizer({ ...tokenizerJson, added_tokens: [] }, tokenizerConfig)
  const special = [...tokenizer.get_added_tokens_decoder().values()]
    .filter((token) => token.special)
    .map((token) => token.content)
  const anySpecial = special.length > 0 ? oneOf(special) : undefined
  const encode = (from: Tokenizer, text: string): number[] =>
    text === '' ? [] : from.encode(text, { add_special_tokens: false }).ids

  return (contents, render) => {
    if (!anySpecial || !contents.some((content) => content.search(anySpecial) >= 0))
      return encode(tokenizer, render(contents))
    const open = unusedCharacter(contents)
    const fenced = contents.map((content) =>
      content.replace(anySpecial, (found) => `${open}${special.indexOf(found)}${open}`),
    )
    return render(fenced)
      .split(open)
      .flatMap((part, i) =>
        i % 2 === 1 ? encode(plain, special[Number(part)] ?? '') : encode(tokenizer, part),
      )
  }
}

/** The longest of several texts that begin alike comes first, as the tokenizer's own splitter takes it. */
function oneOf(texts: readonly string[]): RegExp {
  const escaped = texts
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(escaped.join('|'), 'g')
}

/** A private-use character that no message holds: there are 6400, and no keyboard writes them. */
function unusedCharacter(contents: readonly string[]): string {
  for (let code = 0xe000; code <= 0xf8ff; code++) {
    const character = String.fromCharCode(code)
    if (!contents.some((content) => content.includes(character))) return character
  }
  throw new InfernetError('prompt.bad-parameters', { parameter: 'content' })
}
