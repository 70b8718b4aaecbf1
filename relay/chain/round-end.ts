import type { ClaimState } from '#shared/settle/claim-notes.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { RoundEnd } from '../observe/claim-metrics.ts'
import { NodeError } from '#shared/chain/node-error.ts'

/** What a round that claimed nothing had to do with, the gravest first: this is its reason. */
const REASONS = ['refused', 'over-cap', 'waiting', 'void', 'worthless', 'unseen', 'due'] as const

/** Why a round ended with nothing, by how all vouchers of its escrow stand. */
export function endOfNothing(states: readonly ClaimState[]): RoundEnd {
  const found = new Set(states)
  return { outcome: 'nothing', reason: REASONS.find((state) => found.has(state)) ?? 'empty' }
}

const REASON_OF_CODE: Readonly<Partial<Record<string, string>>> = {
  'chain.unavailable': 'unreachable',
  'chain.busy': 'unreachable',
  'chain.displaced': 'displaced',
  'payment.chain-unreachable': 'unreachable',
  'payment.wrong-chain': 'wrong-chain',
  'payment.no-record': 'no-record',
}

/** Why a round failed, in a word of a short list. */
export function failureOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof NodeError)
      return error.message.startsWith('insufficient funds') ? 'no-gas' : 'node-refused'
    const known = error instanceof InfernetError ? REASON_OF_CODE[error.code] : undefined
    if (known !== undefined) return known
  }
  return 'error'
}
