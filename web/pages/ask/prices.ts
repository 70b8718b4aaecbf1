import type { Ask } from '../../state/ask/ask.svelte.ts'
import type { Wallet } from '../../state/money/wallet.svelte.ts'
import { formatInf, formatInfAtMost } from '../../ui/format.ts'
import { fiatHint } from '../../ui/money.ts'

/** About four letters make a token. */
const LETTERS_A_TOKEN = 4
/** A usual answer is half as long as the longest, but no longer than this. */
const USUAL_TOKENS = 512

/** What the prompt would cost, before it is sent: in INF, with a hint in dollars where one is known. */
export function estimateWords(ask: Ask, wallet: Wallet, text: string): string {
  const promptTokens = Math.ceil(text.length / LETTERS_A_TOKEN)
  const limit = ask.model?.answerTokens ?? 0
  const estimate = ask.estimate({
    promptTokens,
    maxTokens: limit,
    usualTokens: Math.min(USUAL_TOKENS, Math.ceil(limit / 2)),
  })
  if (!estimate) return 'No price yet: nobody offers this model.'
  if (wallet.stage === 'no-chain') return 'Free: this network uses no money.'
  if (estimate.atMost === 0n) return 'Free: the providers of this model ask for no money.'
  const [main] = wallet.network?.escrows ?? []
  const hint = main && fiatHint(estimate.atMost, main, main.usdHint)
  const cost = `About ${formatInf(estimate.likely)}, at most ${formatInfAtMost(estimate.atMost)}${hint === undefined ? '' : ` (${hint})`}`
  return ask.asksTwo ? `${cost}, for both providers` : cost
}
