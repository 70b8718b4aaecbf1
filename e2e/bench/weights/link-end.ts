/**
 * `node link-end.ts --as origin|seeder --folder F --host H [--relay MULTIADDR] [--cap BYTES_PER_SECOND] --manifest NAME ...`,
 * with a channel to its parent: serves the models of a folder over HTTP, or passes them on to peers. It tells its address,
 * answers what the parent asks, and ends when the parent lets go.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { RateCap } from '#shared/models/pieces/rate-cap.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { FolderStore } from '../../../relay/provide/folder-store.ts'
import { TestNetwork } from '../../peers/test-network.ts'
import { startOrigin } from '../../storage/origin-server.ts'
import type { EndAnswer, EndQuestion } from './link-ends.ts'

interface End {
  readonly address: string
  sentBytes(): number
  /** How many others seed a model, by what the relay says. */
  countOthers(model: ModelHash): Promise<number>
}

const { values } = parseArgs({
  options: {
    as: { type: 'string' },
    folder: { type: 'string', default: '' },
    host: { type: 'string', default: '' },
    relay: { type: 'string', default: '' },
    cap: { type: 'string' },
    manifest: { type: 'string', multiple: true, default: [] },
  },
})
const cap = values.cap === undefined ? undefined : Number(values.cap)
const manifests = values.manifest.map((name) => parseManifest(readFileSync(join(values.folder, name)), name))
process.on('disconnect', () => process.exit())
const end = await (values.as === 'origin' ? serve() : seed())
tell({ id: 0, answer: end.address })
process.on('message', ({ id, ask, model }: EndQuestion) => {
  const answer = ask === 'others' && model ? end.countOthers(model) : Promise.resolve(end.sentBytes())
  answer.then(
    (found) => tell({ id, answer: found }),
    () => tell({ id, answer: 0 }),
  )
})

function tell(answer: EndAnswer): void {
  process.send?.(answer)
}

async function serve(): Promise<End> {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const { files } of manifests)
    for (const { path } of files) contents.set(path, new Uint8Array(readFileSync(join(values.folder, path))))
  const read = async (path: string): Promise<Uint8Array<ArrayBuffer>> =>
    contents.get(path) ?? new Uint8Array()
  const origin = await startOrigin(
    { paths: [...contents.keys()], read },
    { host: values.host, cap: new RateCap(realClock, cap) },
  )
  return {
    address: origin.url,
    sentBytes: () => origin.served.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    countOthers: () => Promise.resolve(0),
  }
}

async function seed(): Promise<End> {
  const network = new TestNetwork()
  const peer = await network.node({
    listen: [`/ip4/${values.host}/tcp/0/ws`],
    relays: [values.relay],
  })
  const seeding = await peer.seed({ uploadBytesPerSecond: cap, budgetBytes: Infinity })
  for (const manifest of manifests) await seeding.share(manifest, await storeOf(manifest))
  return {
    address: String(peer.node.getMultiaddrs()[0]),
    sentBytes: () => seeding.service.givenBytes,
    countOthers: async (model) => {
      const { signal } = new AbortController()
      return (await seeding.swarm.find(model, { signal })).length
    },
  }
}

async function storeOf(manifest: Manifest): Promise<FolderStore> {
  const store = new FolderStore(values.folder)
  await store.look(manifest, { signal: new AbortController().signal })
  return store
}
