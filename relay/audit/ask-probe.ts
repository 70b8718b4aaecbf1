import type { PeerName } from '#shared/base/ids.ts'
import { fitPrompt, type FittedPrompt, type PromptChanges } from '#shared/client/fit-prompt.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { ChatMessage } from '#shared/engine/tokenizer/chat-message.ts'
import type { ChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { splitReasoning } from '#shared/engine/tokenizer/reasoning.ts'
import { hasCode, InfernetError } from '#shared/errors/infernet-error.ts'
import type { Peer } from '#shared/peer/peer.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import type { CorpusPrompt } from '#shared/verify/audit/corpus/make-corpus.ts'

export interface ProbeAsker {
  /** Finds that provider alone. */
  readonly peer: Pick<Peer, 'ask'>
  readonly choice: Pick<ModelChoice, 'model' | 'answerTokens' | 'sampler' | 'contextLength'>
  readonly tokenizer: ChatTokenizer
}

/**
 * Has a chat with one provider, as a page would: each turn is asked with the answers before it. Gives what proves the
 * last answer.
 *
 * @throws InfernetError as `Peer.ask`; `schedule.no-provider` where that provider signed nothing
 */
export async function askProbe(
  asker: ProbeAsker,
  { system, turns, ...wishes }: CorpusPrompt,
  provider: PeerName,
  { signal }: { readonly signal: AbortSignal },
): Promise<Transcript> {
  const { peer, tokenizer } = asker
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }]
  let proof: Transcript | undefined
  for (const content of turns) {
    messages.push({ role: 'user', content })
    const { prompt, reasoning } = fit(asker, messages, wishes)
    const answer = await askOnce(peer, prompt, signal)
    proof = answer.proofs.findLast((each) => each.provider === provider)
    const text = tokenizer.decode(answer.tokens)
    messages.push({ role: 'assistant', content: reasoning ? splitReasoning(text, reasoning).answer : text })
  }
  if (!proof) throw new InfernetError('schedule.no-provider')
  return proof
}

/** A wish that leaves no room in a small model is let go, as a page would. */
function fit(
  { choice, tokenizer }: ProbeAsker,
  messages: readonly ChatMessage[],
  { maxTokens, sampler }: Pick<CorpusPrompt, 'maxTokens' | 'sampler'>,
): FittedPrompt {
  const changes: PromptChanges = sampler ? { sampler } : {}
  const { contextLength } = choice
  try {
    const longest = Math.floor(contextLength / 2)
    const wished = maxTokens === undefined ? {} : { maxTokens: Math.min(maxTokens, longest) }
    return fitPrompt(choice, tokenizer, messages, { ...changes, ...wished }, { contextLength })
  } catch (thrown) {
    if (maxTokens === undefined || !hasCode(thrown, 'prompt.too-long')) throw thrown
    return fitPrompt(choice, tokenizer, messages, changes, { contextLength })
  }
}

async function askOnce(
  peer: Pick<Peer, 'ask'>,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<{ tokens: number[]; proofs: Transcript[] }> {
  const tokens: number[] = []
  const proofs: Transcript[] = []
  for await (const event of peer.ask(prompt, { signal })) {
    if (event.type === 'tokens') tokens.push(...event.tokens)
    if (event.type === 'proof') proofs.push(event.transcript)
    // It is there no more, and nobody else is meant.
    if (event.type === 'waiting') throw event.reason
  }
  return { tokens, proofs }
}
