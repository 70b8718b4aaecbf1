import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { FAMILIES } from '#shared/model-kit/families/families.ts'
import { hashManifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { makeHubRepository, type HubRepository } from './hub-repository.ts'
import { MEMBER_TOKEN, startLocalHub, type LocalHub } from './local-hub.ts'

const COMMAND = fileURLToPath(new URL('../run/model.ts', import.meta.url))
const [llama] = FAMILIES
if (!llama) throw new Error('no family')
/** The weights have some 5 MB, so that there is time to stop in the middle. */
const larger = { ...llama, family: { ...llama.family, vocab: 20_000 } }

const FREE = 'some-lab/Small-Llama'
const GATED = 'some-lab/Gated-Llama'
/** Its licence lets peers hand it on together with its text, and binds whoever has it. */
const BOUND = 'some-lab/Bound-Llama'
let hub: LocalHub
let free: HubRepository
const folders: string[] = []

beforeAll(async () => {
  free = await makeHubRepository({ name: FREE, model: larger, dtypes: ['fp32', 'q4'] })
  const card = { license: 'llama3.2' }
  const gated = await makeHubRepository({ name: GATED, model: llama, dtypes: ['q4'], card, gated: 'auto' })
  const changed = { LICENSE: 'Do no harm.' }
  const bound = await makeHubRepository({ name: BOUND, model: llama, dtypes: ['q4'], card, changed })
  hub = await startLocalHub([free, gated, bound])
})
afterAll(() => hub.stop())
afterEach(async () => {
  hub.set({})
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'model-command-'))
  folders.push(folder)
  return folder
}

interface Run {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command; `until` ends it by Ctrl-C when its words say so. */
async function run(folder: string, args: readonly string[], until?: RegExp): Promise<Run> {
  const child = spawn(process.execPath, [COMMAND, ...args, '--models-folder', folder], {
    env: { ...process.env, TEST_TOKEN: MEMBER_TOKEN, OTHER_TOKEN: 'hf_other' },
  })
  const said = { out: '', err: '' }
  let isStopped = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
    if (!isStopped && until?.test(said.err)) isStopped = child.kill('SIGINT')
  })
  const { promise, resolve } = Promise.withResolvers<Run>()
  child.once('close', (code) => resolve({ code, ...said }))
  return promise
}

const add = (folder: string, name: string, ...args: readonly string[]): Promise<Run> =>
  run(folder, ['add', name, '--hub', hub.url, ...args])

const hashIn = ({ out }: Run): string | undefined => /^hash: ([0-9a-f]{64})$/m.exec(out)?.[1]

it('prints the same hash in two empty folders, and writes what a relay serves', async () => {
  const [here, there] = [await emptyFolder(), await emptyFolder()]
  const [first, second] = await Promise.all([add(here, FREE), add(there, FREE)])
  expect(first).toMatchObject({ code: 0 })
  expect(hashIn(first)).toMatch(/^[0-9a-f]{64}$/)
  expect(hashIn(second)).toBe(hashIn(first))
  expect(first.out).toContain('\nlicence: apache-2.0, peers may hand it on\n')
  expect(first.err).toMatch(/^licence: apache-2\.0, peers may hand it on\nsize: \d+\.\d MB\n/)
  const name = `some-lab--Small-Llama-${free.commit.slice(0, 12)}`
  expect((await readdir(here)).toSorted()).toEqual(['index.json', name])
  expect(JSON.parse(await readFile(join(here, 'index.json'), 'utf8'))).toEqual([name])
  const folder = join(here, name)
  const manifest = parseManifest(await readFile(join(folder, 'manifest.q4.json')))
  expect(hashManifest(manifest)).toBe(hashIn(first))
  expect(JSON.parse(await readFile(join(folder, 'added.q4.json'), 'utf8'))).toEqual({
    manifest,
    origin: { kind: 'hub', repository: FREE, revision: free.commit },
  })
  const files = (await readdir(folder, { recursive: true })).filter((path) => path !== 'onnx')
  const listed = manifest.files.map(({ path }) => path)
  expect(files.toSorted()).toEqual([...listed, 'added.q4.json', 'manifest.q4.json'].toSorted())
  const words = `${name} q4 ${/, (\d+\.\d MB)$/m.exec(first.out)?.[1]} ${hashIn(first)} Small Llama\n`
  expect(await run(here, ['list'])).toMatchObject({ code: 0, out: words })
  expect(await run(here, ['remove', name])).toMatchObject({ code: 0, out: `removed ${name}\n` })
  expect(JSON.parse(await readFile(join(here, 'index.json'), 'utf8'))).toEqual([])
  expect(await readdir(here)).toEqual(['index.json'])
})

it('keeps what has come when it is stopped, and goes on', async () => {
  const folder = await emptyFolder()
  hub.set({ silent: 'file' })
  const args = ['add', FREE, '--hub', hub.url, '--dtype', 'fp32']
  const stopped = await run(folder, args, /^[2-9]\.\d MB of/m)
  expect(stopped).toMatchObject({ code: 130 })
  expect(stopped.err).toMatch(/\nStopped\. What has come is kept; the same command goes on\.\n$/)
  hub.set({})
  const whole = await add(folder, FREE, '--dtype', 'fp32')
  expect(whole).toMatchObject({ code: 0 })
  const size = free.files.get('onnx/model.onnx')?.length ?? 0
  expect(hub.sentBytes).toBeLessThan(size - 1_500_000)
})

it('takes the token from the environment, and asks to accept a licence that binds', async () => {
  const folder = await emptyFolder()
  const TERMS = 'Accept the terms on its page at the hub, then use a token of that account.\n'
  expect(await add(folder, GATED)).toMatchObject({
    code: 1,
    err: `The hub gives ${GATED} only to accounts that accepted its terms. ${TERMS}`,
  })
  expect(await add(folder, GATED, '--token-env', 'OTHER_TOKEN', '--accept-licence')).toMatchObject({
    code: 1,
    err: expect.stringContaining(
      `The hub does not give ${GATED} to the account of this token. ${TERMS}`,
    ) as string,
  })
  expect(await add(folder, GATED, '--token-env', 'NO_TOKEN')).toMatchObject({
    code: 1,
    err: 'The environment has no NO_TOKEN, which --token-env names.\n',
  })
  const asked = await add(folder, GATED, '--token-env', 'TEST_TOKEN')
  expect(asked.err).toMatch(
    /--accept-licence\.\nThe licence llama3\.2 was not accepted, so nothing was loaded\./,
  )
  expect(await readdir(folder)).toEqual([])
  const bound = await add(folder, BOUND)
  expect(bound).toMatchObject({ code: 1 })
  expect(bound.err).toMatch(
    /^licence: llama3\.2, peers may hand it on\n[^]* was not accepted, so nothing was loaded\./,
  )
  expect(await readdir(folder)).toEqual([])
  const accepted = await add(folder, GATED, '--token-env', 'TEST_TOKEN', '--accept-licence')
  expect(accepted).toMatchObject({
    code: 0,
    out: expect.stringContaining('licence: llama3.2, gated at its hub, never seeded from here\n') as string,
  })
  expect(JSON.stringify(accepted)).not.toContain(MEMBER_TOKEN)
})

it('says how it is used', async () => {
  const folder = await emptyFolder()
  expect(await run(folder, ['ad'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('usage: ') as string,
  })
  expect(await add(folder, FREE, '--dtype', 'q8')).toMatchObject({
    code: 1,
    err: '--dtype is one of fp32, fp16, q4, q4f16.\n',
  })
})
