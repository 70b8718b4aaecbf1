import type { Address } from 'viem'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'

/** Gives test money; only on chains whose money is worth nothing. */
export type Faucet = (address: Address, options: { readonly signal: AbortSignal }) => Promise<void>

const FAUCET_TIMEOUT_MS = 30_000

/**
 * The relay's faucet. It answers when the money is on its way.
 *
 * @throws InfernetError `wallet.faucet-refused`
 */
export function createFaucet(url: string): Faucet {
  return async (address, { signal }) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(FAUCET_TIMEOUT_MS)])
    const asked = fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ address }),
      signal: limit,
    })
    let status: number
    try {
      status = (await raceSignal(asked, limit)).status
    } catch (cause) {
      throw new InfernetError('wallet.faucet-refused', { reason: 'it does not answer' }, { cause })
    }
    if (status >= 200 && status < 300) return
    const reason =
      status === 429 ? 'you had some a short while ago' : status === 404 ? 'there is none here' : undefined
    throw new InfernetError('wallet.faucet-refused', reason === undefined ? {} : { reason })
  }
}
