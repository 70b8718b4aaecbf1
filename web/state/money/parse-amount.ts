/**
 * "20" or "20.5" as base units; `undefined` for what is no amount or has more digits than the asset.
 *
 * A comma stands for a point only when it is the only mark and no three digits follow, so that "1,000" is not one.
 */
export function parseAmount(text: string, decimals: number): bigint | undefined {
  const plain = text.trim().replace(/[\s_]/g, '')
  const grouped = /^\d{1,3}(?:,\d{3})+(?:\.\d*)?$/.test(plain) ? plain.replaceAll(',', '') : plain
  const match = /^(\d{0,30})(?:[.,](\d*))?$/.exec(grouped)
  if (!match) return undefined
  const [, whole = '', part = ''] = match
  if (whole === '' && part === '') return undefined
  if (part.length > decimals) return undefined
  return BigInt((whole || '0') + part.padEnd(decimals, '0'))
}
