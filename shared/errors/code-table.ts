import { CHAIN_CODES } from './codes/chain.ts'
import { ENGINE_CODES } from './codes/engine.ts'
import type { Codes } from './codes/entry.ts'
import { FAUCET_CODES } from './codes/faucet.ts'
import { INTERNAL_CODES } from './codes/internal.ts'
import { MESH_CODES } from './codes/mesh.ts'
import { MODELS_CODES } from './codes/models.ts'
import { ORIGIN_CODES } from './codes/origin.ts'
import { PAYMENT_CODES } from './codes/payment.ts'
import { PEER_CODES } from './codes/peer.ts'
import { PROMPT_CODES } from './codes/prompt.ts'
import { SCHEDULE_CODES } from './codes/schedule.ts'
import { SETTLE_CODES } from './codes/settle.ts'
import { STREAM_CODES } from './codes/stream.ts'
import { VERIFY_CODES } from './codes/verify.ts'
import { WALLET_CODES } from './codes/wallet.ts'
import { WIRE_CODES } from './codes/wire.ts'

/**
 * Every failure that has a name, by home.
 *
 * Only the code and its bounded facts cross the wire or the worker's border; the sentence is always ours, so a
 * stranger's text is never shown as the network's. Codes are never renamed: pages, logs and peers match on them.
 *
 * The words here fit every surface. What a page says in its own terms stands in `web/pages/error-words.ts`, what a
 * relay tells its operator in `relay/operator-words.ts`.
 */
export const CODE_TABLE = {
  ...WIRE_CODES,
  ...MODELS_CODES,
  ...ORIGIN_CODES,
  ...ENGINE_CODES,
  ...PROMPT_CODES,
  ...SCHEDULE_CODES,
  ...STREAM_CODES,
  ...VERIFY_CODES,
  ...SETTLE_CODES,
  ...PAYMENT_CODES,
  ...CHAIN_CODES,
  ...FAUCET_CODES,
  ...WALLET_CODES,
  ...MESH_CODES,
  ...PEER_CODES,
  ...INTERNAL_CODES,
} as const satisfies Codes

/** A stable name for one kind of failure. */
export type ErrorCode = keyof typeof CODE_TABLE

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(CODE_TABLE, code)
}
