import { MAX_SIFT_CALLS } from './constants.ts'

/** Why the chain refuses a claim. */
export interface ClaimRefusal {
  /** The contract's own name for it, or `unknown`. */
  readonly name: string
  /** The place in the batch that spoils it; undefined where the chain does not say. */
  readonly index: number | undefined
}

/** Asks the chain whether it would take them all, in this order; undefined when it would. Costs no gas. */
export type TryClaims<T> = (batch: readonly T[]) => Promise<ClaimRefusal | undefined>

export interface SiftedClaims<T> {
  /** Those that the chain takes together, in their order. */
  readonly good: readonly T[]
  /** Those that it refuses, whatever else is claimed with them, and why. */
  readonly refused: ReadonlyMap<T, ClaimRefusal>
}

/**
 * Parts a batch into what the chain takes and what spoils it, so that one voucher never keeps another from its money.
 *
 * The contract counts a batch from the front and names the place that it refuses. Where it names none, the batch is
 * halved until the ones that spoil it stand alone. The number of questions is bounded: what is not asked about by then
 * is in neither part, and is for the next round.
 *
 * @throws whatever `tryAll` throws, e.g. when the chain does not answer.
 */
export async function siftClaims<T>(
  batch: readonly T[],
  tryAll: TryClaims<T>,
  maxCalls = MAX_SIFT_CALLS,
): Promise<SiftedClaims<T>> {
  const refused = new Map<T, ClaimRefusal>()
  let calls = 0
  const sift = async (part: readonly T[]): Promise<readonly T[]> => {
    let rest = part
    let known = 0 // so many at the front are good, as the last refusal of a later one says
    while (rest.length > 0) {
      if (calls >= maxCalls) return rest.slice(0, known)
      calls++
      const refusal = await tryAll(rest)
      if (!refusal) return rest
      const { index } = refusal
      const spoiler = index === undefined ? undefined : rest[index]
      if (index === undefined || spoiler === undefined) return halve(rest, refusal)
      refused.set(spoiler, refusal)
      rest = rest.toSpliced(index, 1)
      known = index
    }
    return []
  }
  const halve = async (part: readonly T[], refusal: ClaimRefusal): Promise<readonly T[]> => {
    const [only] = part
    if (only !== undefined && part.length === 1) {
      refused.set(only, refusal)
      return []
    }
    const middle = Math.ceil(part.length / 2)
    const first = await sift(part.slice(0, middle))
    const second = await sift(part.slice(middle))
    if (first.length === 0 || second.length === 0) return first.length === 0 ? second : first
    const both = [...first, ...second]
    if (calls >= maxCalls) return first
    calls++
    // Each half is good and both are not: together they need too much gas, or share what only one can have.
    return (await tryAll(both)) ? first : both
  }
  const good = await sift(batch)
  return { good, refused }
}
