import type { Tokenizer } from '@huggingface/tokenizers'
import { addedTokens, isControl, type AddedToken } from './added-tokens.ts'
import { createFence } from './fence.ts'
import { createSectionCache } from './section-cache.ts'
import { createSplitter } from './split-sections.ts'
import { createTextEncoder, normalizerOf } from './text-encoder.ts'

export interface FencedEncoderInit {
  readonly tokenizerJson: Readonly<Record<string, unknown>>
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
  readonly tokenizer: Tokenizer
  /** Whether the chat template writes this by itself. */
  readonly writes: (text: string) => boolean
}

/** Encodes the messages as `render` puts them together. */
export type FencedEncoder = (
  contents: readonly string[],
  render: (contents: readonly string[]) => string,
) => number[]

/**
 * Encodes a rendered chat so that what people wrote can never become a control token.
 *
 * A pasted page that holds `<|im_end|>` would otherwise end the user's message and begin another in the system's name.
 * Each such text in a message is one private-use character while the template is rendered and cut at the tokens that it
 * wrote itself; then it is put back and encoded as a part of the text around it. A message without such texts is encoded
 * exactly as the model's own library would.
 */
export function createFencedEncoder(init: FencedEncoderInit): FencedEncoder {
  const { tokenizer, tokenizerConfig } = init
  const added = addedTokens(init.tokenizerJson)
  const control = added.filter((token) => isControl(token, init.writes))
  const normalize = normalizerOf(tokenizer, tokenizerConfig)
  const isLate = (token: AddedToken): boolean => token.normalized && tokenizer.normalizer !== null
  const fence = createFence({
    marks: control.map(({ content }) => content),
    normalizedMarks: control.filter(isLate).map(({ content }) => normalize.alone(content)),
    normalize: normalize.alone,
  })
  const split = createSplitter(added.filter((token) => !isLate(token)))
  const encodeText = createTextEncoder({ tokenizer, added: added.filter(isLate), control, normalize })
  const cached = createSectionCache(encodeText)

  return (contents, render) => {
    const { contents: fenced, pieces } = fence(contents)
    return split(render(fenced)).flatMap((section, i) =>
      'token' in section ? [section.token.id] : cached(section.text, i, pieces),
    )
  }
}
