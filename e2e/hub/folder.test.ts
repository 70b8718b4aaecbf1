import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { addModel, type AddedModel } from '#shared/models/origin/add-model.ts'
import { createFolderOrigin } from '#shared/models/origin/folder-origin.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import type { Origin } from '#shared/models/origin/origin.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { startRelay } from '../../relay/testing/fixtures.ts'
import { makeHubRepository } from './hub-repository.ts'
import { startLocalHub } from './local-hub.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0)) await end()
})

const http = { fetch: globalThis.fetch, clock: realClock }
const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> =>
  crypto.subtle.digest('SHA-256', bytes)

function add(origin: Origin, repository: string, dtype: 'fp32' | 'q4'): Promise<AddedModel> {
  return addModel({ origin, digest }, { repository, dtype }, { accept: () => true })
}

/** A web server with a folder of files and nothing else. */
async function serve(files: ReadonlyMap<string, Uint8Array>, failing = ''): Promise<string> {
  const server: Server = createServer((request, response) => {
    if (failing !== '' && request.url?.endsWith(failing)) return void response.writeHead(502).end()
    const bytes = files.get((request.url ?? '').slice('/some/model/'.length))
    if (!bytes) return void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>')
    response.writeHead(200, { 'content-length': bytes.length })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/`
}

it.each(['fp32', 'q4'] as const)("a relay's folder gives Infernet Tiny %s its own hash", async (dtype) => {
  const modelsFolder = fileURLToPath(new URL('../../web/public/models/', import.meta.url))
  const relay = await startRelay({ modelsFolder })
  cleanUp.push(() => relay.stop())
  const origin = createFolderOrigin(http, new URL('/models/', relay.httpUrl).href)
  const { hash, manifest, origin: reference } = await add(origin, 'infernet-tiny', dtype)
  const { manifest: own } = await readTinyModel(dtype)
  expect(manifest).toEqual(own)
  expect(hash).toBe(hashManifest(own))
  expect(reference).toEqual({ kind: 'folder', url: new URL('/models/infernet-tiny/', relay.httpUrl).href })
})

it('a plain folder gives what the hub gives, but for the licence that it does not tell', async () => {
  const [, , , , , phi] = FAMILIES
  if (!phi) throw new Error('no family')
  const repository = await makeHubRepository({ name: 'some-lab/model', model: phi, dtypes: ['q4'] })
  const hub = await startLocalHub([repository])
  cleanUp.push(() => hub.stop())
  const { manifest } = await add(createHubOrigin(http, hub.url), 'some-lab/model', 'q4')
  const folder = await add(createFolderOrigin(http, await serve(repository.files)), 'model', 'q4')
  const { licence, ...rest } = manifest
  expect(licence?.id).toBe('apache-2.0')
  expect(folder.manifest).toEqual(rest)
  expect(folder.manifest.files.map(({ path }) => path)).toContain('onnx/model_q4.onnx_data_1')
})

it('a folder without a model is named', async () => {
  const base = await serve(new Map())
  await expect(add(createFolderOrigin(http, base), 'model', 'q4')).rejects.toMatchObject({
    code: 'origin.not-found',
    facts: { reason: `${base}model/ has no file of a model` },
  })
})

it.each(['manifest.fp32.json', 'tokenizer_config.json'])(
  'a folder whose server fails for %s is not taken for one without it',
  async (failing) => {
    const [, , , , , phi] = FAMILIES
    if (!phi) throw new Error('no family')
    const repository = await makeHubRepository({ name: 'some-lab/model', model: phi, dtypes: ['q4'] })
    const base = await serve(repository.files, failing)
    await expect(add(createFolderOrigin(http, base), 'model', 'q4')).rejects.toMatchObject({
      code: 'models.unavailable',
      facts: { path: failing, status: 502 },
    })
  },
)
