import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../testing/fixtures.ts'
import { FileIndex } from './file-index.ts'
import { hashedFiles, hashOfPage, pageHash } from './page-hash.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

async function folderOf(files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder.path, path, '..'), { recursive: true })
    await writeFile(join(folder.path, path), text)
  }
  const index = new FileIndex(folder.path)
  await index.scan()
  return { index, path: folder.path, [Symbol.asyncDispose]: folder.remove }
}

it('is the hash of what sha256sum prints of the sorted files', async () => {
  await using page = await folderOf({ 'index.html': 'page', 'assets/b.js': 'b', 'assets/a.js': 'a' })
  const listing = `${sha256('a')}  assets/a.js\n${sha256('b')}  assets/b.js\n${sha256('page')}  index.html\n`
  expect(await hashOfPage(page.index)).toBe(sha256(listing))
})

it('leaves out models and compressed copies', async () => {
  await using page = await folderOf({ 'index.html': 'page' })
  await using more = await folderOf({ 'index.html': 'page', 'index.html.br': 'x', 'models/a/b.json': '{}' })
  expect(await hashOfPage(more.index)).toBe(await hashOfPage(page.index))
})

it('is another one when a byte, a name or a file is another one', async () => {
  await using page = await folderOf({ 'index.html': 'page', 'a.js': 'a' })
  const files = await hashedFiles(page.index)
  const hash = pageHash(files)
  expect(pageHash(files.map((file) => ({ ...file, sha256: sha256('z') })))).not.toBe(hash)
  expect(pageHash(files.map((file) => ({ ...file, path: `${file.path}x` })))).not.toBe(hash)
  expect(pageHash(files.slice(1))).not.toBe(hash)
})

it('is that of the files as they lie there now, though nobody has asked for those that changed', async () => {
  await using page = await folderOf({ 'index.html': 'page', 'a.js': 'a', 'b.js': 'b' })
  const before = await hashOfPage(page.index)
  await writeFile(join(page.path, 'a.js'), 'another')
  await rm(join(page.path, 'b.js'))
  await writeFile(join(page.path, 'c.js'), 'c')
  await expect.poll(() => hashOfPage(page.index)).not.toBe(before)
  await using as = await folderOf({ 'index.html': 'page', 'a.js': 'another', 'c.js': 'c' })
  expect(await hashOfPage(page.index)).toBe(await hashOfPage(as.index))
})

it('is none without a page', async () => {
  await using none = await folderOf({})
  expect(await hashOfPage(none.index)).toBeUndefined()
})
