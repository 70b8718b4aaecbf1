import { baseUnits } from '../base/units.ts'
import type { Price } from '../prompt/prompt.ts'

/** A price of whole base units for each token, so that what is due can be told by heart. */
export function pricePerToken(prompt: bigint, output: bigint): Price {
  return {
    promptPerMillion: baseUnits(prompt * 1_000_000n),
    outputPerMillion: baseUnits(output * 1_000_000n),
  }
}
