import { defaultsOf } from '#shared/client/model-defaults.ts'
import type { AnswerSummary, Peer } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { TinyParts } from '#shared/testing/cheats/tiny-parts.ts'

/** A question to the bundled model, asked as its page asks it. */
export function promptOf(content: string, { model: { manifest, tokenizer }, honest }: TinyParts): Prompt {
  const { sampler, answerTokens } = defaultsOf(manifest)
  return {
    ...{ task: 'text-generation', model: honest.info.model, sampler, maxTokens: answerTokens },
    promptTokens: tokenizer.encodeChat([{ role: 'user', content }]),
    eosTokens: [...tokenizer.eosTokens],
    maxOutputPrice: undefined,
  }
}

/** An answer, and what proves it. */
export interface Told {
  readonly tokens: readonly number[]
  readonly transcript: Transcript
  readonly summary: AnswerSummary
}

/** Writes the answer to standard output as it comes. @throws what `Peer.ask` throws */
export async function askAloud(
  peer: Peer,
  prompt: Prompt,
  { model: { tokenizer } }: TinyParts,
): Promise<Told> {
  const tokens: number[] = []
  let shown = ''
  let transcript: Transcript | undefined
  let summary: AnswerSummary | undefined
  for await (const event of peer.ask(prompt)) {
    if (event.type === 'tokens') {
      tokens.push(...event.tokens)
      const text = tokenizer.decode(tokens)
      process.stdout.write(text.slice(shown.length))
      shown = text
    }
    if (event.type === 'proof') transcript = event.transcript
    if (event.type === 'done') summary = event.summary
  }
  process.stdout.write('\n')
  if (!transcript || !summary) throw new Error('The answer came without what proves it.')
  return { tokens, transcript, summary }
}
