import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ErrorCode } from '#shared/errors/code-table.ts'
import { refusalBody, type JsonRoute } from '../serve/json-post.ts'
import type { Faucet } from './faucet.ts'

const STATUSES: Partial<Record<ErrorCode, number>> = {
  'faucet.bad-address': 400,
  'faucet.enough': 409,
  'faucet.limited': 429,
  'faucet.busy': 503,
  'faucet.empty': 503,
  'chain.unavailable': 503,
  'chain.busy': 503,
}

/** An address in JSON, with room. */
const MAX_FAUCET_BODY_BYTES = 1024

/** `POST /faucet` with `{"address": "0x…"}`: what was sent, or a refusal by name. */
export function faucetHandler(faucet: Faucet, onResult: (result: string) => void): JsonRoute {
  return {
    maxBytes: MAX_FAUCET_BODY_BYTES,
    answer: async (body, { client, signal }) => {
      try {
        const gift = await faucet.give(body, client.group, { signal })
        onResult('given')
        return { status: 200, body: gift }
      } catch (thrown) {
        const error = InfernetError.from(thrown, 'faucet.failed')
        onResult(error.code)
        return { status: STATUSES[error.code] ?? 502, body: refusalBody(error) }
      }
    },
  }
}
