import type { Random } from './random.ts'

/** Within a tenth of it either way, in whole milliseconds: what a thousand tabs began together must not stay together. */
export function jittered(random: Random, ms: number): number {
  const jitter = (random.bytes(1)[0] ?? 0) / 255
  return Math.round(ms * (0.9 + 0.2 * jitter))
}
