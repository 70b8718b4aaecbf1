/** Cuts to `max` code points, so that a surrogate pair is never split. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text
  return Array.from(text).slice(0, max).join('')
}

/** True for text a page may print in one line: no control characters, no bidirectional overrides. */
export function isPlainLine(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)
}

/**
 * True for a name that shows as it is written wherever it is printed: letters, digits and signs, with single spaces
 * between. No marks that pile up on others, nothing without a width, and no letter that is blank.
 */
export function isShownName(text: string): boolean {
  const words = /^[\p{L}\p{N}\p{P}\p{S}]+(?: [\p{L}\p{N}\p{P}\p{S}]+)*$/u
  return words.test(text) && !/[\p{Default_Ignorable_Code_Point}\u2800]/u.test(text)
}
