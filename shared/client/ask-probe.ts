import type { PeerName } from '../base/ids.ts'
import type { BaseUnits } from '../base/units.ts'
import { fitPrompt, type FittedPrompt, type PromptChanges } from './fit-prompt.ts'
import type { ModelChoice } from './model-choice.ts'
import type { ChatMessage } from '../engine/tokenizer/chat-message.ts'
import type { ChatTokenizer } from '../engine/tokenizer/chat-tokenizer.ts'
import { splitReasoning } from '../engine/tokenizer/reasoning.ts'
import { hasCode, InfernetError } from '../errors/infernet-error.ts'
import type { Payer } from '../peer/payer.ts'
import type { Peer } from '../peer/peer.ts'
import type { Prompt } from '../prompt/prompt.ts'
import type { Transcript } from '../stream/transcript.ts'
import type { CorpusPrompt } from '../verify/audit/corpus/make-corpus.ts'

/** What pays for one job or one check of a probe. */
export interface ProbeMoney {
  readonly payer: Payer
  /** The most that it may come to. */
  readonly maxCost: BaseUnits
  /** Tells what it came to; without this, all of it counts as spent. */
  used(amount: bigint): void
}

/** What one probe pays with. */
export interface ProbePurse {
  /** @throws InfernetError `payment.over-limit` where the money of this hour is spent */
  job(): ProbeMoney
}

export interface ProbeAsker {
  /** Finds that provider alone. */
  readonly peer: Pick<Peer, 'ask'>
  readonly choice: Pick<ModelChoice, 'model' | 'answerTokens' | 'sampler' | 'contextLength'>
  readonly tokenizer: ChatTokenizer
  /** @default it asks only where answers are free */
  readonly purse?: ProbePurse | undefined
}

/**
 * Has a chat with one provider, as a page would: each turn is asked with the answers before it. Gives what proves the
 * last answer.
 *
 * @throws InfernetError as `Peer.ask`; `schedule.no-provider` where that provider signed nothing; `payment.over-limit`
 * where the money of this hour is spent
 */
export async function askProbe(
  asker: ProbeAsker,
  { system, turns, ...wishes }: CorpusPrompt,
  provider: PeerName,
  { signal }: { readonly signal: AbortSignal },
): Promise<Transcript> {
  const { tokenizer } = asker
  const messages: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }]
  let proof: Transcript | undefined
  for (const content of turns) {
    messages.push({ role: 'user', content })
    const { prompt, reasoning } = fit(asker, messages, wishes)
    const answer = await askOnce(asker, prompt, signal)
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
  { peer, purse }: Pick<ProbeAsker, 'peer' | 'purse'>,
  prompt: Prompt,
  signal: AbortSignal,
): Promise<{ tokens: number[]; proofs: Transcript[] }> {
  const tokens: number[] = []
  const proofs: Transcript[] = []
  const money = purse?.job()
  const paying = { ...prompt, ...(money && { maxCost: money.maxCost }) }
  for await (const event of peer.ask(paying, { signal, payer: money?.payer })) {
    if (event.type === 'tokens') tokens.push(...event.tokens)
    if (event.type === 'proof') proofs.push(event.transcript)
    if (event.type === 'done') money?.used(event.summary.paid)
    // It is there no more, and nobody else is meant.
    if (event.type === 'waiting') throw event.reason
  }
  return { tokens, proofs }
}
