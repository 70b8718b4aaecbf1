/**
 * `npm run model -- add owner/name [--dtype q4] [--revision R] [--hub URL] [--token-env NAME] [--accept-licence]`
 * `npm run model -- add https://host/folder/of/one/model/ [--dtype q4]`
 * `npm run model -- list`
 * `npm run model -- remove NAME`
 *
 * Adds a model of a hub, or of any folder over HTTP, to the folder that a relay serves (`--models-folder`, `data/models`
 * here): its files, its manifest, and where it came from. The same revision gives the same hash on every machine. Ctrl-C
 * keeps what has come; the same command goes on.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { platformClock } from '#shared/base/platform-clock.ts'
import { errorLine } from '#shared/errors/error-line.ts'
import { needsAcceptance } from '#shared/models/free-licences.ts'
import {
  hashManifest,
  manifestBytes,
  WEIGHTS_PATHS,
  type Dtype,
  type Licence,
} from '#shared/models/manifest.ts'
import {
  addModel,
  type AddedModel,
  type AddOffer,
  type AddProgress,
} from '#shared/models/origin/add-model.ts'
import { createFolderOrigin } from '#shared/models/origin/folder-origin.ts'
import { createHubOrigin } from '#shared/models/origin/hub-origin.ts'
import type { Origin } from '#shared/models/origin/origin.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { ADDED_INDEX } from '../../relay/config/added-models.ts'
import { createFolderScratch } from '../hub/folder-scratch.ts'

const MB = 1_000_000
const INTERRUPTED = 130

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'q4' },
    revision: { type: 'string' },
    hub: { type: 'string' },
    'token-env': { type: 'string' },
    'models-folder': { type: 'string', default: 'data/models' },
    'accept-licence': { type: 'boolean', default: false },
  },
})
const [command, name] = positionals
const root = options['models-folder']
const stopped = new AbortController()
process.once('SIGINT', () => stopped.abort(new Error('interrupted')))

process.exitCode = await run().catch((thrown: unknown) => {
  if (stopped.signal.aborted) {
    console.error('\nStopped. What has come is kept; the same command goes on.')
    return INTERRUPTED
  }
  console.error(errorLine(thrown))
  return 1
})

async function run(): Promise<number> {
  if (command === 'list' && name === undefined) return list()
  if (command === 'add' && name !== undefined) return add(name)
  if (command === 'remove' && name !== undefined) return remove(name)
  console.error('usage: npm run model -- add owner/name [--dtype q4] | list | remove NAME')
  return 2
}

async function add(model: string): Promise<number> {
  const { dtype } = options
  if (!isDtype(dtype)) throw new Error(`--dtype is one of ${Object.keys(WEIGHTS_PATHS).join(', ')}.`)
  const { origin, repository } = originOf(model)
  // The folder is named by what is in it, so its name is known when the listing is here.
  let folder = ''
  const tell = createTeller()
  const added = await addModel(
    {
      origin,
      digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
      streamingHash: () => createHash('sha256'),
      scratch: { open: (file) => createFolderScratch(folder).open(file) },
    },
    { repository, dtype, revision: options.revision, token: readToken() },
    {
      signal: stopped.signal,
      onProgress: tell,
      accept(offer) {
        folder = join(root, folderName(offer))
        return accepts(offer)
      },
    },
  )
  await writeAdded(folder, added)
  printAdded(folder, added)
  return 0
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(WEIGHTS_PATHS, text)
}

function originOf(model: string): { readonly origin: Origin; readonly repository: string } {
  const http = { fetch: globalThis.fetch, clock: platformClock(globalThis) }
  if (!/^https?:\/\//.test(model)) return { origin: createHubOrigin(http, options.hub), repository: model }
  const folder = new URL(model.endsWith('/') ? model : `${model}/`)
  const above = new URL('..', folder)
  return {
    origin: createFolderOrigin(http, above.href),
    repository: decodeURI(folder.href.slice(above.href.length, -1)),
  }
}

/** The token never stands in the command, which others on this machine may read. */
function readToken(): string | undefined {
  const variable = options['token-env']
  if (variable === undefined) return undefined
  const token = process.env[variable]
  if (!token) throw new Error(`The environment has no ${variable}, which --token-env names.`)
  return token
}

/** Two revisions never share a folder; the precisions of one share what they have in common. */
function folderName({ repository, revision }: AddOffer): string {
  const plain = repository.replace(/[^A-Za-z0-9.-]+/g, '--').replace(/^[.-]+/, '')
  return revision === undefined ? plain : `${plain}-${revision.slice(0, 12)}`
}

function accepts({ licence, totalBytes }: AddOffer): boolean {
  console.error(`licence: ${licenceWords(licence)}`)
  console.error(`size: ${inMb(totalBytes)}`)
  if ((licence && !needsAcceptance(licence)) || options['accept-licence']) return true
  console.error('This licence may bind you. Read it, then accept it with --accept-licence.')
  return false
}

function licenceWords(licence: Licence | undefined): string {
  if (!licence) return 'none is named, so it stays on this machine and is never seeded'
  const { id, link, mayPassOn, isGated } = licence
  const where = link === undefined ? '' : ` (${link})`
  const gate = isGated ? ', gated at its hub' : ''
  return `${id}${where}${gate}, ${mayPassOn ? 'peers may hand it on' : 'never seeded from here'}`
}

/** A line that is written over on a terminal, else a line for each tenth. */
function createTeller(): (progress: AddProgress) => void {
  let last = -1
  let toldMs = 0
  const isTerminal = process.stderr.isTTY
  return ({ phase, loadedBytes, totalBytes }) => {
    if (phase !== 'loading' || totalBytes === 0) return
    const line = `${inMb(loadedBytes)} of ${inMb(totalBytes)}`
    const tenth = Math.floor((10 * loadedBytes) / totalBytes)
    const nowMs = performance.now()
    if (isTerminal && (nowMs - toldMs > 200 || loadedBytes === totalBytes)) {
      toldMs = nowMs
      process.stderr.write(`\r${line}   ${loadedBytes === totalBytes ? '\n' : ''}`)
    } else if (!isTerminal && tenth > last) console.error(line)
    last = Math.max(last, tenth)
  }
}

async function writeAdded(folder: string, added: AddedModel): Promise<void> {
  const { manifest, origin } = added
  await writeWhole(join(folder, `added.${manifest.dtype}.json`), { manifest, origin })
  // The manifest comes last: a folder that has it has all of the model.
  await writeWhole(join(folder, `manifest.${manifest.dtype}.json`), manifest)
  await writeIndex()
}

/** A relay looks at this file to see that something changed. */
async function writeIndex(): Promise<void> {
  await writeWhole(join(root, ADDED_INDEX), await foldersIn(root))
}

/** A relay that reads the folder at any moment sees a whole file. */
async function writeWhole(path: string, value: unknown): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(`${path}.part`, `${JSON.stringify(value, null, 1)}\n`)
  await rename(`${path}.part`, path)
}

function printAdded(folder: string, { manifest, hash, findings }: AddedModel): void {
  console.log(`hash: ${hash}`)
  console.log(`name: ${manifest.name}, ${manifest.dtype}, ${inMb(manifestBytes(manifest))}`)
  console.log(`licence: ${licenceWords(manifest.licence)}`)
  for (const { level, rule, says } of findings) console.log(`${level} ${rule}: ${says}`)
  console.log(`folder: ${folder}`)
}

async function list(): Promise<number> {
  for (const folder of await foldersIn(root)) {
    for (const file of await readdir(join(root, folder))) {
      if (!/^manifest\.\w+\.json$/.test(file)) continue
      const manifest = parseManifest(await readFile(join(root, folder, file)), `${folder}/${file}`)
      const { dtype, name: called } = manifest
      console.log(`${folder} ${dtype} ${inMb(manifestBytes(manifest))} ${hashManifest(manifest)} ${called}`)
    }
  }
  return 0
}

async function remove(folder: string): Promise<number> {
  if (!(await foldersIn(root)).includes(folder))
    throw new Error(`There is no model ${folder} in ${root}. \`npm run model -- list\` names them.`)
  await rm(join(root, folder), { recursive: true })
  await writeIndex()
  console.log(`removed ${folder}`)
  return 0
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

function inMb(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`
}
