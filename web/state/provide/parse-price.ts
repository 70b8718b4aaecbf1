import { baseUnits } from '#shared/base/units.ts'
import type { Price } from '#shared/prompt/prompt.ts'

/** "6.2" INF for a million tokens, in base units; `undefined` for what is no amount. */
export function parsePerMillion(text: string | undefined): bigint | undefined {
  const match = /^(\d{1,9})(?:[.,](\d{1,12}))?$/.exec(text?.trim() ?? '')
  if (!match) return undefined
  const [, whole = '0', part = ''] = match
  return BigInt(whole + part.padEnd(18, '0'))
}

/** The price that the visitor typed, else the suggestion. Reading costs a fifth of writing, as the suggestion has it. */
export function priceFrom(suggested: Price, text: string | undefined): Price {
  const wanted = parsePerMillion(text)
  if (wanted === undefined) return suggested
  const { outputPerMillion, promptPerMillion } = suggested
  const prompt = outputPerMillion > 0n ? (wanted * promptPerMillion) / outputPerMillion : 0n
  return { outputPerMillion: baseUnits(wanted), promptPerMillion: baseUnits(prompt) }
}
