import * as v from 'valibot'
import type { Address } from 'viem'
import { errorFromPeer } from '#shared/errors/error-message.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

/** Gives test money; only on chains whose money is worth nothing. */
export type Faucet = (address: Address, options: { readonly signal: AbortSignal }) => Promise<void>

/** It answers when the money has arrived, which is a block or two. */
const FAUCET_TIMEOUT_MS = 45_000
/** A refusal is a code and a few facts. */
const MAX_REFUSAL_CHARACTERS = 4096

const refusalSchema = v.object({
  error: v.object({
    code: v.string(),
    facts: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), {}),
  }),
})

/**
 * The relay's faucet.
 *
 * @throws InfernetError `faucet.*` as the relay says it, `wallet.faucet-silent` when it does not answer: it may have given
 */
export function createFaucet(url: string): Faucet {
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
      text = (await response.text()).slice(0, MAX_REFUSAL_CHARACTERS)
    } catch (cause) {
      throw new InfernetError('wallet.faucet-silent', {}, { cause })
    }
    if (!response.ok) throw refusalOf(text)
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
