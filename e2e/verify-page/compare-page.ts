import { createHash } from 'node:crypto'
import { PAGE_PATHS } from '#shared/base/page-paths.ts'
import type { HashedFile } from '../../relay/serve/page-hash.ts'
import { SECURITY_HEADERS } from '../../relay/serve/security-headers.ts'

/** A file that a relay serves otherwise. */
export interface Difference {
  /** As it was asked for, below the page's address. */
  readonly path: string
  readonly why: string
}

/** Each way in which a browser may be given the same file. */
const CODINGS = ['identity', 'br', 'gzip'] as const
/** Of one file; the largest has 27 MB. */
const FILE_MS = 120_000
/** A page has none of this size: whoever sends more sends something else. */
const MAX_FILE_BYTES = 100_000_000
const AT_ONCE = 4
const POLICY = 'Content-Security-Policy'
const INDEX = 'index.html'

/**
 * Asks for every file of a page, in each coding, and for every address that shows the page, and compares the bytes.
 * It says what is served here and now: a relay can serve somebody else another page.
 */
export async function comparePage(
  url: URL,
  files: readonly HashedFile[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<readonly Difference[]> {
  const index = files.find(({ path }) => path === INDEX)
  const routes = index ? PAGE_PATHS.map((path) => ({ ...index, path: path.slice(1) })) : []
  const waiting = [...files, ...routes].flatMap((file) => CODINGS.map((coding) => ({ file, coding })))
  const found = new Map<string, string>()
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { file, coding } = next
      const why = await compareFile(new URL(`./${file.path}`, url), file.sha256, coding, signal)
      if (why !== undefined && !found.has(file.path)) found.set(file.path, why)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return [...found].map(([path, why]) => ({ path, why })).sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function compareFile(
  url: URL,
  sha256: string,
  coding: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(FILE_MS)
  try {
    const response = await fetch(url, {
      headers: { 'accept-encoding': coding },
      redirect: 'manual',
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
    })
    if (response.status !== 200) return `is answered with status ${response.status}`
    if (response.headers.has('refresh')) return 'sends the browser elsewhere (Refresh)'
    // Other code than the page's own could be put in where the policy lets it.
    if (response.headers.get(POLICY) !== SECURITY_HEADERS[POLICY]) return `comes with another ${POLICY}`
    return (await hashOf(response)) === sha256 ? undefined : `has other bytes (${coding})`
  } catch (thrown) {
    signal?.throwIfAborted()
    return `cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  }
}

async function hashOf({ body }: Response): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  if (body)
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > MAX_FILE_BYTES) return 'too large'
      hash.update(chunk)
    }
  return hash.digest('hex')
}
