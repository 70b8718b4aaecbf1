import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFileSource } from './file-source.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'infernet-'))
  await writeFile(join(folder, 'a.bin'), Uint8Array.of(1, 2, 3, 4, 5))
})
afterAll(() => rm(folder, { recursive: true }))

describe('createFileSource', () => {
  it.each([
    [0, 0, [1, 2, 3, 4, 5]],
    [3, 3, [4, 5]],
    [9, 5, []],
  ])('reads from offset %d', async (offset, start, bytes) => {
    const opened = await createFileSource(folder).open('a.bin', { offset })
    expect(opened.offset).toBe(start)
    expect((await Array.fromAsync(opened.body)).flatMap((chunk) => [...chunk])).toEqual(bytes)
  })

  it('names a missing file', async () => {
    await expect(createFileSource(folder).open('b.bin', { offset: 0 })).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { path: 'b.bin' },
    })
  })
})
