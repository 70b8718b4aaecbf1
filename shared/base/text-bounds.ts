/** Cuts to `max` code points, so that a surrogate pair is never split. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text
  return Array.from(text).slice(0, max).join('')
}

/** True for text a page may print in one line: no control characters, no bidirectional overrides. */
export function isPlainLine(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)
}
