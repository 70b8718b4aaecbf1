import { getSystemErrorMessage } from 'node:util'

/** The system's own name of a failure, such as `ENOENT`; undefined for what did not come from the system. */
export function systemCode(thrown: unknown): string | undefined {
  const isSystem = thrown instanceof Error && 'code' in thrown && 'errno' in thrown
  return isSystem ? String(thrown.code) : undefined
}

/** What came back, in words: `EROFS: read-only file system`, or the first line of what was thrown. */
export function systemReason(thrown: unknown): string {
  const code = systemCode(thrown)
  if (code !== undefined) {
    const { errno } = thrown as NodeJS.ErrnoException
    return `${code}: ${typeof errno === 'number' ? getSystemErrorMessage(errno) : 'no further word'}`
  }
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return (text.split('\n')[0] ?? '').slice(0, 200)
}
