import type { Random } from '../../base/random.ts'

/** A place among `count`, by chance; 0 when there is none. Even enough for a few thousand. */
export function pickIndex(random: Random, count: number): number {
  if (count < 2) return 0
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) % count
}
