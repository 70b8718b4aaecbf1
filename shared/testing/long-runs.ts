/** `npm run test:long -- --full`: as much as an hour allows, instead of as much as a push may cost. */
const isFull = process.env['INFERNET_FULL'] === '1'

/** How often a long test does its thing. */
export function rounds({ short, full }: { readonly short: number; readonly full: number }): number {
  return isFull ? full : short
}

/** How often `npm run test:long` repeats a test that `npm test` runs once. */
export const REPEATS = Number(process.env['INFERNET_REPEATS'] ?? 0)
