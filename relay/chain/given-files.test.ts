import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../observe/log.ts'
import { temporaryFolder } from '../testing/fixtures.ts'
import { loadKey } from './key-file.ts'
import { loadNetworkFile } from './load-network-file.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

/** What each of them says of a file that is not there, one that cannot be read, and texts. */
async function wordsOf(
  load: (path: string) => Promise<unknown>,
  texts: readonly string[],
): Promise<string[]> {
  const paths = [join(folder.path, 'none'), join(folder.path, 'shut')]
  await mkdir(paths[1] ?? '')
  for (const [index, text] of texts.entries()) {
    const path = join(folder.path, `text-${index}`)
    await writeFile(path, text, { mode: 0o600 })
    paths.push(path)
  }
  const said = paths.map((path) =>
    load(path).then(
      () => 'taken',
      (thrown: Error) => thrown.message.replaceAll(folder.path, ''),
    ),
  )
  return Promise.all(said)
}

test('a key file that is missing, shut, empty or of something else is told apart', async () => {
  const load = (path: string) => loadKey(path, { option: '--relay-key-file', log: createLog('silent') })
  expect(await wordsOf(load, ['\n', 'junk', '1'.repeat(64)])).toMatchInlineSnapshot(`
    [
      "--relay-key-file: there is no file /none. Make one: (umask 077; openssl rand -hex 32 > /none).",
      "--relay-key-file: reading /shut failed (EISDIR: illegal operation on a directory). The file was not changed. Let this user read it.",
      "--relay-key-file: /text-0 is empty. It must be one line of 64 hexadecimal digits. Put back a copy: money of the key that was there is reached with it alone.",
      "--relay-key-file: /text-1 holds no key. It must be one line of 64 hexadecimal digits. Put back a copy: money of the key that was there is reached with it alone.",
      "taken",
    ]
  `)
})

test('a network file that is missing, shut, empty, damaged or of another shape is told apart', async () => {
  expect(await wordsOf(loadNetworkFile, ['', '{"version": 1,\n', '{}'])).toMatchInlineSnapshot(`
    [
      "--network-file: there is no file /none. Name the file that the deploy script wrote.",
      "--network-file: reading /shut failed (EISDIR: illegal operation on a directory). The file was not changed. Let this user read it.",
      "--network-file: /text-0: the file is empty. Write it again with the deploy script.",
      "--network-file: /text-1: the file is damaged: it is no JSON (line 2). Write it again with the deploy script.",
      "--network-file: /text-2: The network file is invalid (version). Write it again with the deploy script.",
    ]
  `)
})
