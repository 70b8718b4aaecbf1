/**
 * A slot more than was estimated: the estimate is of the newest block, and the call runs in the next one. INF keeps its
 * supply by the second, so that a second sweep in the same one writes a slot less than a sweep in the next.
 */
const SLOT_GAS = 22_100n

/** The gas to send a call with. What is left over costs nothing; one unit too little costs all of it. */
export function withSpareGas(estimate: bigint): bigint {
  return (estimate * 6n) / 5n + SLOT_GAS
}
