import { positionBits, positionsIn } from '../openings/position-bits.ts'
import type { GivenOpenings } from '../openings/read-openings.ts'
import { statementBytes, statementFrom } from '../openings/statement.ts'
import type { AskerFrame } from './messages.ts'

export type OpeningsFrame = Extract<AskerFrame, { type: 'openings' }>

/**
 * Openings as an asker passes them on to a verifier.
 *
 * @param from position in the answer of the job's first token
 */
export function openingsFrame({ openings, forgery }: GivenOpenings, from: number): unknown {
  if (!forgery) return { type: 'openings', openings }
  const { positions, statement } = forgery
  const shown = { statement: statementBytes(statement), asked: positionBits(positions, from) }
  return { type: 'openings', openings, optional: shown }
}

/** @throws InfernetError `verify.bad-openings` with the reason `statement` */
export function openingsIn({ openings, optional }: OpeningsFrame, from: number): GivenOpenings {
  const { statement, asked } = optional ?? {}
  if (!statement || !asked) return { openings, forgery: undefined }
  return { openings, forgery: { statement: statementFrom(statement), positions: positionsIn(asked, from) } }
}
