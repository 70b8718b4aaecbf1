import { createHash } from 'node:crypto'
import type { FileIndex } from './file-index.ts'

/** A file by its path below the page's folder, and the SHA-256 of its bytes as hex. */
export interface HashedFile {
  readonly path: string
  readonly sha256: string
}

/** Of what a page's folder holds beside the page: models are checked by their own hashes, and copies by what they unpack to. */
const BESIDE = /^models\/|\.(?:br|gz)$/

/**
 * The page's own files with their hashes, by path.
 *
 * @internal outside of this file only for `npm run verify-page`, which compares each
 */
export async function hashedFiles(page: FileIndex): Promise<readonly HashedFile[]> {
  const own = (await page.current()).filter(({ path }) => !BESIDE.test(path))
  const hashed = own.map(async ({ path, sha256 }) => ({ path, sha256: await sha256() }))
  return (await Promise.all(hashed)).sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** One hash for a whole page: the SHA-256 of what `sha256sum` prints of its files, sorted by path. */
export function pageHash(files: readonly HashedFile[]): string {
  const listing = files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('')
  return createHash('sha256').update(listing).digest('hex')
}

/** Of the files as they lie there; undefined where there is no page, or one is being written. */
export async function hashOfPage(page: FileIndex): Promise<string | undefined> {
  const files = await hashedFiles(page).catch(() => [])
  return files.length === 0 ? undefined : pageHash(files)
}
