import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
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

test.each([
  ['', 'is empty'],
  ['junk', 'holds 4 bytes that are no Ed25519 key'],
  ['x'.repeat(68), 'holds 68 bytes that are no Ed25519 key'],
])('a file of "%s" is reported with what is safe to do, and left as it is', async (damage, what) => {
  await writeFile(file(), damage)
  expect(await failure()).toBe(
    `The identity file ${file()} ${what}. Put back a copy of it. Without a copy the name in it is lost: move the file away, and the next start makes a new name; addresses that were shared then end.`,
  )
  expect(await readFile(file(), 'utf8')).toBe(damage)
})

test('a file that cannot be read is not called damaged, and nobody is told to remove it', async () => {
  await mkdir(file())
  expect(await failure()).toBe(
    `Reading the identity file ${file()} failed (EISDIR: illegal operation on a directory). It is the name of this relay and was not changed: do not remove it. Let this user read it, or name another folder with --data-folder, where the relay gets another name.`,
  )
})

test('a folder that cannot be written is reported with what came back and the fix', async () => {
  await writeFile(join(folder.path, 'file'), '')
  await expect(loadIdentity(join(folder.path, 'file'))).rejects.toThrow(/failed \(ENOTDIR: not a directory\)/)
})

// Only root can become somebody else, whom a disk refuses.
test.runIf(process.getuid?.() === 0).each([
  [
    'a new key',
    false,
    'Making the identity file FILE failed (EACCES: permission denied). There was none before, so nothing is lost. Point --data-folder to a folder that this user may write.',
  ],
  ['a key that cannot be closed to others', true, undefined],
] as const)('a folder of somebody else: %s', async (_, isThere, words) => {
  const known = isThere ? await loadIdentity(folder.path) : undefined
  if (isThere) await chmod(file(), 0o644)
  await chmod(folder.path, 0o755)
  const warnings: string[] = []
  const { seteuid } = process
  seteuid?.(65_534)
  try {
    const loading = loadIdentity(folder.path, { onWarning: (what) => warnings.push(what) })
    if (words !== undefined) await expect(loading).rejects.toThrow(words.replace('FILE', file()))
    else expect((await loading).publicKey.toString()).toBe(known?.publicKey.toString())
  } finally {
    seteuid?.(0)
  }
  expect(warnings).toEqual(
    isThere
      ? [
          `others may read ${file()}, and closing it to them failed (EPERM: operation not permitted): chmod 600 it as its owner`,
        ]
      : [],
  )
})

async function failure(): Promise<string> {
  const thrown = await loadIdentity(folder.path).catch((each: unknown) => each)
  expect(thrown).toBeInstanceOf(StartError)
  return (thrown as StartError).message
}
