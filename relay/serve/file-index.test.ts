import { createHash } from 'node:crypto'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../testing/fixtures.ts'
import { FileIndex } from './file-index.ts'

describe('a folder that changes right after a look at it', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let index: FileIndex
  beforeEach(async () => {
    folder = await temporaryFolder()
    for (const name of ['one.js', 'two.js']) await write(name, name)
    index = new FileIndex(folder.path)
    await index.scan()
  })
  afterEach(() => folder.remove())

  const write = (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text)

  it('gives each file the length and the hash of the bytes that lie there now', async () => {
    await (await index.find('one.js'))?.sha256()
    for (const [name, text] of [
      ['one.js', 'longer than it was'],
      ['two.js', 'two, longer'],
      ['one.js', 'one.js'],
    ] as const) {
      await write(name, text)
      const file = await index.find(name)
      expect([file?.size, await file?.sha256()]).toEqual([
        text.length,
        createHash('sha256').update(text).digest('hex'),
      ])
      expect(await index.find(name)).toBe(file)
    }
  })

  it('has no file that went, nor a link that took the place of one', async () => {
    await rm(join(folder.path, 'one.js'))
    expect(await index.find('one.js')).toBeUndefined()
    await symlink(join(folder.path, 'two.js'), join(folder.path, 'one.js'))
    expect(await index.find('one.js')).toBeUndefined()
    expect(await index.find('two.js')).toBeDefined()
  })

  it('finds at once what came with a change, so that no new page lacks its scripts', async () => {
    await write('one.js', 'import "./three.js"')
    await write('three.js', 'three')
    expect((await index.find('one.js'))?.size).toBe(19)
    expect((await index.find('three.js'))?.size).toBe(5)
  })
})
