import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ledgerStoreCompliance } from '#shared/testing/ledger-store-compliance.ts'
import { temporaryFolder } from '../testing/fixtures.ts'
import { FileLedgerStore } from './file-ledger-store.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('keeps what every store of payments promises', () => {
  let count = 0
  ledgerStoreCompliance(() => FileLedgerStore.open(join(folder.path, String(count++))))
})

test('what was written is there for the next process', async () => {
  const store = await FileLedgerStore.open(join(folder.path, 'new', 'folder'))
  await store.update('payee/1/a', () => bytes(1))
  await store.update('payee/1/b', () => bytes(2))
  await store.update('payee/1/a', (present) => bytes(...(present ?? []), 3))
  await store.delete('payee/1/b')
  const again = await FileLedgerStore.open(join(folder.path, 'new', 'folder'))
  expect(await again.get('payee/1/a')).toEqual(bytes(1, 3))
  expect(await again.list('payee/')).toEqual([['payee/1/a', bytes(1, 3)]])
  expect(await again.list('other/')).toEqual([])
})

test('steps on one record come one after the other, and one that throws changes nothing', async () => {
  const store = await FileLedgerStore.open(folder.path)
  const add = (value: number) => store.update('k', (present) => bytes(...(present ?? []), value))
  const failing = store.update('k', () => {
    throw new Error('no')
  })
  await Promise.all([add(1), failing.catch(() => undefined), add(2), add(3)])
  expect(await store.get('k')).toEqual(bytes(1, 2, 3))
})

test('a draft of a killed process is removed, and a damaged record costs only itself', async () => {
  const store = await FileLedgerStore.open(folder.path)
  await store.update('good', () => bytes(1))
  await writeFile(join(folder.path, 'x.draft'), 'half')
  await writeFile(join(folder.path, 'y.entry'), 'damaged')
  const again = await FileLedgerStore.open(folder.path)
  expect((await again.list('')).map(([key]) => key)).toEqual(['good'])
  expect((await readdir(folder.path)).filter((name) => name.endsWith('.draft'))).toEqual([])
})

test('a damaged record is told of and left there; one that cannot be read stops the start in words', async () => {
  await writeFile(join(folder.path, 'y.entry'), 'damaged')
  const leftOut: string[] = []
  await FileLedgerStore.open(folder.path, { onLeftOut: (file) => leftOut.push(file) })
  expect(leftOut).toEqual([join(folder.path, 'y.entry')])
  expect(await readdir(folder.path)).toEqual(['y.entry'])
  await mkdir(join(folder.path, 'z.entry'))
  await expect(FileLedgerStore.open(folder.path)).rejects.toThrow(
    `Opening the folder of vouchers ${folder.path} failed (EISDIR: illegal operation on a directory). The vouchers in it are money: do not remove it.`,
  )
})
