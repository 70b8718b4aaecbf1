import { once } from 'node:events'
import { readdir, readlink, writeFile } from 'node:fs/promises'
import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../testing/fixtures.ts'
import { FileIndex } from './file-index.ts'
import { REVALIDATE, sendFile } from './send-file.ts'

it('is no fault, and leaves no file open, where who asked goes before the first byte', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'page.js'), 'x'.repeat(1000))
  const index = new FileIndex(folder.path)
  await index.scan()
  const file = (await index.find('page.js')) ?? expect.fail('no file')
  const { promise, resolve } = Promise.withResolvers<[ServerResponse, Promise<void>]>()
  const server = createServer((asked, response) => {
    // As when the file is read for its hash while the visitor closes the tab.
    const sha256 = async (): Promise<string> => {
      asking.destroy()
      await once(response, 'close')
      return file.sha256()
    }
    resolve([response, sendFile(asked, response, { ...file, sha256 }, REVALIDATE)])
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asking = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false })
  asking.on('error', () => undefined).end()
  const [response, sent] = await promise
  try {
    await sent
    expect(response.destroyed).toBe(true)
    expect(await openFilesIn(folder.path)).toEqual([])
  } finally {
    server.close()
    await folder.remove()
  }
})

/** What this process holds open below a folder. Only Linux tells; elsewhere none. */
async function openFilesIn(folder: string): Promise<readonly string[]> {
  const fds = await readdir('/proc/self/fd').catch(() => [])
  const paths = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return paths.filter((path) => path.startsWith(folder))
}
