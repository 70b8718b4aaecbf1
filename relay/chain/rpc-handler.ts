import type { Clock } from '#shared/base/clock.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { AddressLimiter } from '../serve/address-limiter.ts'
import type { JsonRoute } from '../serve/json-post.ts'
import { MAX_RPC_BODY_BYTES, RPC_PARALLEL_PER_ADDRESS, RPC_RATE } from './limits.ts'
import { refusal, type ReadPath } from './read-path.ts'

/** `POST /rpc`: JSON-RPC within each address's rate. */
export function rpcHandler(path: ReadPath, clock: Clock): JsonRoute {
  const limiter = new AddressLimiter(clock, { rate: RPC_RATE, parallel: RPC_PARALLEL_PER_ADDRESS })
  return {
    maxBytes: MAX_RPC_BODY_BYTES,
    answer: async (body, { client, signal }) => {
      const leave = limiter.enter(client.group, path.costOf(body))
      if (typeof leave === 'string')
        return { status: 429, body: refusal(null, new InfernetError('chain.rate-limited')) }
      try {
        return { status: 200, body: await path.answer(body, { group: client.group, signal }) }
      } finally {
        leave()
      }
    },
  }
}
