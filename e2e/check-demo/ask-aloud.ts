import { defaultsOf } from '#shared/client/model-defaults.ts'
import type { AnswerSummary, Peer } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { TinyParts } from '#shared/testing/cheats/tiny-parts.ts'

/** Stories of the bundled model end near 90 tokens; with its end tokens out of reach it goes on. */
const NEVER = -100
const LONG_ANSWER = 256

/**
 * The same question with a longer answer, of which one check shows any cheat: at the low temperature at which the page
 * asks this small model, the seed decides a few tokens of a hundred, at times too few for one false alarm in a million.
 */
export function longPromptOf(content: string, parts: TinyParts): Prompt {
  const prompt = promptOf(content, parts)
  const logitBias = [...parts.model.tokenizer.eosTokens].map((token) => [token, NEVER] as const)
  return { ...prompt, sampler: { ...prompt.sampler, logitBias }, maxTokens: LONG_ANSWER }
}

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
