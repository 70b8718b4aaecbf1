/**
 * Reads a `Range` header against a size: first and last byte, both included.
 *
 * Undefined means the whole file: no header, another unit, or several ranges at once, which a server may ignore
 * (RFC 9110 section 14.2) and which would let one request ask for the same bytes a thousand times.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): [number, number] | 'unsatisfiable' | undefined {
  const range = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '')
  if (!range) return undefined
  const [, from = '', to = ''] = range
  if (from === '') {
    if (to === '') return undefined
    const length = Math.min(Number(to), size)
    return length === 0 ? 'unsatisfiable' : [size - length, size - 1]
  }
  const start = Number(from)
  if (to !== '' && Number(to) < start) return undefined // not a range at all, so it is ignored
  if (start >= size) return 'unsatisfiable'
  return [start, to === '' ? size - 1 : Math.min(Number(to), size - 1)]
}
