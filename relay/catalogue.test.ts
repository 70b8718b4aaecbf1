import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BUNDLED_MODELS } from '#shared/models/catalogue/bundled.ts'
import { openCatalogue } from '#shared/models/catalogue/signed-catalogue.ts'
import { catalogueOf, entryOf } from '#shared/models/catalogue/testing/entries.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import type { Relay } from './create-relay.ts'
import { createLog } from './observe/log.ts'
import { startRelay, temporaryFolder, until } from './testing/fixtures.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const relays: Relay[] = []
const lines: { msg: string }[] = []
beforeEach(async () => {
  folder = await temporaryFolder()
  lines.length = 0
})
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop()
  await folder.remove()
})

const file = (): string => join(folder.path, 'catalogue.json')
async function start(catalogue: string, modelsFolder = '', dataFolder = folder.path): Promise<Relay> {
  const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line) as { msg: string }) })
  const relay = await startRelay({ catalogue, modelsFolder, dataFolder }, { log })
  relays.push(relay)
  return relay
}
const ask = (relay: Relay, init: RequestInit = {}) => fetch(new URL('/catalogue.json', relay.httpUrl), init)
const namesOf = async (relay: Relay): Promise<string[]> => {
  const { signer, entries } = await openCatalogue(await (await ask(relay)).text())
  expect(signer).toBe(relay.name)
  return entries.map(({ name }) => name)
}

test('a relay proposes the bundled list under its own name, and says when it is the same as before', async () => {
  const relay = await start('')
  const fromHubs = BUNDLED_MODELS.filter(({ origins }) => origins.every(({ kind }) => kind === 'hub'))
  expect(fromHubs).not.toHaveLength(BUNDLED_MODELS.length)
  expect(await namesOf(relay)).toEqual(fromHubs.map(({ name }) => name))
  const first = await ask(relay)
  expect(first.headers.get('cache-control')).toBe('no-cache')
  const etag = first.headers.get('etag') ?? ''
  const again = await ask(relay, { headers: { 'If-None-Match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  const head = await ask(relay, { method: 'HEAD' })
  expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, ''])
  expect((await ask(relay, { method: 'POST', body: '{}' })).status).toBe(405)
})

test('a relay proposes of its own models only those that it has', async () => {
  await mkdir(join(folder.path, 'infernet-tiny'))
  await writeFile(join(folder.path, 'infernet-tiny', 'manifest.fp32.json'), '{}')
  const names = await namesOf(await start('', folder.path))
  expect(names).toContain('Infernet Tiny')
  expect(names).not.toContain('Sentence encoder (English)')
})

test('what its operator added is proposed and served as soon as it is there, unless it may not be handed on', async () => {
  const relay = await start('')
  const served = (name: string) =>
    fetch(new URL(`/models/${name}`, relay.httpUrl)).then(({ status }) => status)
  const before = await namesOf(relay)
  const [open, closed] = ['apache-2.0', 'own-words'].map((id) => ({
    id,
    mayPassOn: id !== 'own-words',
    isGated: false,
  }))
  await addModel('me--closed-1', 'Closed', closed)
  await addModel('me--open-1', 'Open', open)
  await until('the added model', async () => (await namesOf(relay)).length > before.length, 10_000)
  expect(await namesOf(relay)).toEqual([...before, 'Open'])
  expect(relay.catalogue.at(-1)).toMatchObject({
    about: 'Added from me/open.',
    origins: [
      { kind: 'folder', url: '/models/me--open-1/' },
      { kind: 'hub', repository: 'me/open' },
    ],
    precisions: [{ dtype: 'q4', manifest: '/models/me--open-1/manifest.q4.json' }],
  })
  expect(
    await Promise.all(['me--open-1/config.json', 'me--closed-1/config.json', 'index.json'].map(served)),
  ).toEqual([200, 404, 404])
})

/** As `npm run model` leaves one. */
async function addModel(name: string, called: string, licence: unknown): Promise<void> {
  const models = join(folder.path, 'models')
  const at = join(models, name)
  await mkdir(at, { recursive: true })
  const { manifest } = await readTinyModel('q4')
  const origin = { kind: 'hub', repository: `me/${called.toLowerCase()}` }
  const added = { ...manifest, id: called.toLowerCase(), name: called, licence }
  await writeFile(join(at, 'config.json'), '{}')
  await writeFile(join(at, 'added.q4.json'), JSON.stringify({ manifest: added, origin }))
  await writeFile(join(at, 'manifest.q4.json'), JSON.stringify(added))
  await writeFile(join(models, 'index.json'), JSON.stringify([called]))
}

test('the operator’s list is taken when it changes, by itself and at once when asked', async () => {
  await writeFile(file(), catalogueOf([entryOf({ name: 'One' })]))
  const relay = await start(file())
  expect(await namesOf(relay)).toEqual(['One'])
  const before = (await ask(relay)).headers.get('etag')
  await writeFile(file(), catalogueOf([entryOf({ name: 'Two' }), entryOf({ id: 'b', name: 'Three' })]))
  await until('the file is looked at', async () => (await namesOf(relay)).length === 2)
  expect(relay.catalogue.map(({ name }) => name)).toEqual(['Two', 'Three'])
  expect((await ask(relay)).headers.get('etag')).not.toBe(before)
  await writeFile(file(), catalogueOf([]))
  relay.reload()
  await until('it was signed', async () => (await namesOf(relay)).length === 0)
  expect(lines.filter(({ msg }) => msg === 'catalogue taken').length).toBeGreaterThanOrEqual(2)
})

test.each([
  ['{', 'it is no JSON.'],
  [
    catalogueOf([entryOf({}), entryOf({ id: 'b', name: '' })]),
    '"name" of entry 2 is not what may stand there.',
  ],
  [' '.repeat(600_000), 'has 600000 bytes; 524288 are the most.'],
])('a faulty list is told, and the last good one stays: %#', async (text, words) => {
  await writeFile(file(), catalogueOf([entryOf({ name: 'Good' })]))
  const relay = await start(file())
  await writeFile(file(), text)
  relay.reload()
  expect(lines.find(({ msg }) => msg.includes(words))?.msg).toMatch(
    /--catalogue: .* What was read before stays\.$/,
  )
  expect(await namesOf(relay)).toEqual(['Good'])
})

test('a list that is named and not there, or faulty, keeps the relay from starting', async () => {
  await expect(start(file())).rejects.toThrow(
    /--catalogue: there is no file .*catalogue\.json\. Check the path\./,
  )
  await writeFile(file(), '[]')
  await expect(start(file())).rejects.toThrow(/its "format" cannot be read\. The relay README shows/)
})
