import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadIdentity } from './identity.ts'
import { StartError } from './base/start-error.ts'
import { temporaryFolder } from './testing/fixtures.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())
const file = (): string => join(folder.path, 'identity.key')

test('the first start makes a key that only its owner can read, later ones find it', async () => {
  const first = await loadIdentity(folder.path)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  const again = await loadIdentity(folder.path)
  expect(again.publicKey.toString()).toBe(first.publicKey.toString())
  expect(await readdir(folder.path)).toEqual(['identity.key'])
})

test('the folder is made when it is missing', async () => {
  await loadIdentity(join(folder.path, 'a', 'b'))
  expect(await readdir(join(folder.path, 'a', 'b'))).toEqual(['identity.key'])
})

test('two that start at once end with one identity', async () => {
  const keys = await Promise.all([1, 2, 3, 4].map(() => loadIdentity(folder.path)))
  expect(new Set(keys.map(({ publicKey }) => publicKey.toString())).size).toBe(1)
})

test('a key that others could read is closed to them', async () => {
  await loadIdentity(folder.path)
  await chmod(file(), 0o644)
  await loadIdentity(folder.path)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test('a damaged file is reported with the fix and left as it is', async () => {
  for (const damage of ['', 'junk', 'x'.repeat(68)]) {
    await writeFile(file(), damage)
    const failure = await loadIdentity(folder.path).catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(StartError)
    expect((failure as StartError).message.replace(folder.path, '')).toBe(
      'The identity file /identity.key is damaged. Put back a copy of it, or remove it to start with a new identity (shared addresses then change).',
    )
    expect(await readFile(file(), 'utf8')).toBe(damage)
  }
})

test('a folder that cannot be written is reported with the fix', async () => {
  await writeFile(join(folder.path, 'file'), '')
  await expect(loadIdentity(join(folder.path, 'file'))).rejects.toThrow('Point --data-folder to a folder')
})
