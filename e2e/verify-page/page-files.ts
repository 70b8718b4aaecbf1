import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileIndex } from '../../relay/serve/file-index.ts'
import { hashedFiles, pageHash, type HashedFile } from '../../relay/serve/page-hash.ts'
import { ROOT } from '../fixtures/root.ts'

/** The one line that says what the page of this tree hashes to. */
export const RECORD = 'web/page-hash.txt'

/** The files of a built page with their hashes. Models, which have hashes of their own, are left out. */
export async function pageFiles(folder: string): Promise<readonly HashedFile[]> {
  const index = new FileIndex(folder, { skip: ['models'] })
  await index.scan()
  return hashedFiles(index)
}

/** @throws Error when this tree says another hash than the page has that was built of it */
export async function compareRecord(): Promise<void> {
  const [recorded, files] = await Promise.all([
    readFile(join(ROOT, RECORD), 'utf8').catch(() => 'none'),
    pageFiles(join(ROOT, 'web/dist')),
  ])
  const hash = pageHash(files)
  if (recorded.trim() === hash) return
  throw new Error(
    `${RECORD} says ${recorded.trim()}, and the page has ${hash}. Run: npm run verify-page -- --record`,
  )
}
