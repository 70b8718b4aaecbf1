import { getSystemErrorMessage } from 'node:util'

/** The system's own name of a failure, such as `ENOENT`; undefined for what did not come from the system. */
export function systemCode(thrown: unknown): string | undefined {
  const isSystem = thrown instanceof Error && 'code' in thrown && 'errno' in thrown
  return isSystem ? String(thrown.code) : undefined
}

/**
 * What came back, in words: `EROFS: read-only file system`, or the first line of what was thrown. Never empty, also for
 * what is thrown by WebSockets, which is an event and says nothing as text.
 */
export function systemReason(thrown: unknown): string {
  const code = systemCode(thrown)
  if (code !== undefined) {
    const { errno } = thrown as NodeJS.ErrnoException
    return `${code}: ${typeof errno === 'number' ? getSystemErrorMessage(errno) : 'no further word'}`
  }
  return wordsOf(thrown, 0).slice(0, MAX_REASON) || 'no reason was given'
}

const MAX_REASON = 200
/** A cause of a cause of a cause says enough. */
const MAX_DEPTH = 4

function wordsOf(thrown: unknown, depth: number): string {
  if (thrown === undefined || thrown === null) return ''
  if (typeof thrown === 'string') return firstLine(thrown)
  if (typeof thrown !== 'object') return `${thrown as number | boolean}`
  const { message, errors, error, cause } = thrown as {
    readonly [Key in 'message' | 'errors' | 'error' | 'cause']?: unknown
  }
  const below =
    depth < MAX_DEPTH ? [...(Array.isArray(errors) ? (errors as unknown[]) : []), error, cause] : []
  const inner = below.filter((each) => each !== undefined).map((each) => deeper(each, depth + 1))
  const reasons = [...new Set(inner.filter((each) => each !== '' && each !== 'TypeError'))].join('; ')
  return (typeof message === 'string' && firstLine(message)) || reasons || kindOf(thrown)
}

function deeper(thrown: unknown, depth: number): string {
  return systemCode(thrown) === undefined ? wordsOf(thrown, depth) : systemReason(thrown)
}

const firstLine = (text: string): string => text.split('\n')[0]?.trim() ?? ''

/** What kind of thing failed, where it has no other word for itself. */
function kindOf(thrown: object): string {
  if (thrown instanceof Event) return `the connection failed with the event "${thrown.type}"`
  return thrown instanceof Error && thrown.name !== 'Error' ? thrown.name : ''
}
