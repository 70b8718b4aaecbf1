const encoder = new TextEncoder()

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** Joins byte strings into one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

/** Compares in time that depends on the length alone. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}

/** Lower-case hex digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Reads lower- or upper-case hex. Throws `RangeError` on anything else. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new RangeError('not hex digits')
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** An amount as big-endian bytes without leading zeros; zero is the empty array. */
export function amountToBytes(amount: bigint): Uint8Array<ArrayBuffer> {
  if (amount < 0n) throw new RangeError('an amount cannot be negative')
  const hex = amount === 0n ? '' : amount.toString(16)
  return fromHex(hex.length % 2 === 0 ? hex : `0${hex}`)
}

/** The inverse of {@link amountToBytes}. Leading zeros are refused, so that each amount has one encoding. */
export function amountFromBytes(bytes: Uint8Array): bigint {
  if (bytes[0] === 0) throw new RangeError('an amount has no leading zeros')
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}
