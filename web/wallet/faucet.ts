import * as v from 'valibot'
import type { Address, Hash } from 'viem'
import { errorFromPeer } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

/** Gives test money; only on chains whose money is worth nothing. Tells the transaction that pays it, if it says so. */
export type Faucet = (
  address: Address,
  options: { readonly signal: AbortSignal },
) => Promise<Hash | undefined>

/** It answers when the money has arrived, which is a block or two. */
const FAUCET_TIMEOUT_MS = 45_000
/** An answer is a code and a few facts, or a few hashes. */
const MAX_ANSWER_CHARACTERS = 4096

const refusalSchema = v.object({
  error: v.object({
    code: v.string(),
    facts: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), {}),
  }),
})

const giftSchema = v.object({
  transactions: v.array(
    v.object({ symbol: v.string(), hash: v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{64}$/)) }),
  ),
})

/**
 * The relay's faucet.
 *
 * @throws InfernetError `faucet.*` as the relay says it, `wallet.faucet-silent` when it does not answer: it may have given
 */
export function createFaucet(url: string, symbol: string): Faucet {
  return async (address, { signal }) => {
    let response: Response
    let text: string
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ address }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(FAUCET_TIMEOUT_MS)]),
      })
      text = (await response.text()).slice(0, MAX_ANSWER_CHARACTERS)
    } catch (cause) {
      throw new InfernetError('wallet.faucet-silent', {}, { cause })
    }
    if (!response.ok) throw refusalOf(text)
    return hashOf(text, symbol)
  }
}

/** Of what it gave of that asset; the coin for gas comes beside it. */
function hashOf(text: string, symbol: string): Hash | undefined {
  try {
    const { transactions } = v.parse(giftSchema, JSON.parse(text))
    return transactions.find((each) => each.symbol === symbol)?.hash as Hash | undefined
  } catch {
    return undefined
  }
}

/** The relay's code and facts in our own words. */
function refusalOf(text: string): InfernetError {
  try {
    return errorFromPeer(v.parse(refusalSchema, JSON.parse(text)).error)
  } catch {
    return new InfernetError('wallet.faucet-refused')
  }
}
