import type { Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { ChainAddress } from '../base/ids.ts'
import { errorFromPeer } from '../errors/error-message.ts'
import type { InfernetError } from '../errors/infernet-error.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { leaveBody, leaveReplySchema } from './claim-messages.ts'
import { LEAVE_DEADLINE_MS, MAX_LEFT_VOUCHERS } from './constants.ts'
import type { SignedVoucher } from './voucher.ts'

export interface LeaveClaimsComponents {
  readonly clock: Clock
  /** A stream of `SETTLE_PROTOCOL` to the relay; one for each 32 vouchers. */
  readonly openStream: (options: { signal?: AbortSignal | undefined }) => Promise<Stream>
}

/** Whose vouchers they are; the same as in every quote. */
export interface LeaveClaimsInit {
  readonly escrow: ChainAddress
  readonly operator: ChainAddress
  readonly binding: Uint8Array
}

/** A voucher that the relay did not keep. */
export interface RefusedClaim {
  readonly signed: SignedVoucher
  readonly error: InfernetError
}

/**
 * Leaves vouchers with a relay, so that they are claimed even if this peer never comes back.
 *
 * The relay's word that it keeps them is no proof: leave them with two, and claim what is large oneself.
 *
 * @returns those that it did not keep, with the reason
 * @throws InfernetError when the relay refuses all of them, or does not answer.
 */
export async function leaveClaims(
  { clock, openStream }: LeaveClaimsComponents,
  { escrow, operator, binding }: LeaveClaimsInit,
  vouchers: readonly SignedVoucher[],
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<readonly RefusedClaim[]> {
  const refused: RefusedClaim[] = []
  for (let from = 0; from < vouchers.length; from += MAX_LEFT_VOUCHERS) {
    const part = vouchers.slice(from, from + MAX_LEFT_VOUCHERS)
    const frames = new FramedStream(await openStream({ signal }), leaveReplySchema, clock)
    try {
      await frames.send(leaveBody({ escrow, operator, binding: new Uint8Array(binding) }, part), { signal })
      const reply = await frames.receive({ signal, deadlineMs: LEAVE_DEADLINE_MS })
      if (reply.type === 'refused') throw errorFromPeer(reply.error)
      for (const { index, error } of reply.refused) {
        const signed = part[index]
        if (signed) refused.push({ signed, error: errorFromPeer(error) })
      }
      void frames.finish()
    } catch (thrown) {
      frames.abort(thrown)
      throw thrown
    }
  }
  return refused
}
