/** "6.2" INF for a million tokens, in base units; `undefined` for what is no amount. */
export function parsePerMillion(text: string | undefined): bigint | undefined {
  const match = /^(\d{1,9})(?:[.,](\d{1,12}))?$/.exec(text?.trim() ?? '')
  if (!match) return undefined
  const [, whole = '0', part = ''] = match
  return BigInt(whole + part.padEnd(18, '0'))
}
