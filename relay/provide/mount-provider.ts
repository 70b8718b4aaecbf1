import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import type { Backend } from '#shared/engine/engine.ts'
import type { EngineMeasure } from '#shared/engine/engine-measure.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { SERVED_MODELS, usualPrecision } from '#shared/models/catalogue/entry.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { createPeer } from '#shared/peer/create-peer.ts'
import type { Payee } from '#shared/peer/peer.ts'
import { provideModel } from '#shared/peer/provide-model.ts'
import { listPriceOf } from '#shared/settle/compute-units.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import { nodeClock } from '../base/node-clock.ts'
import { systemCode, systemReason } from '../base/system-reason.ts'
import type { LocalDirectory } from '../directory/local-directory.ts'
import { createNodeEngine } from './node-engine.ts'

export interface MountProviderInit {
  readonly privateKey: PrivateKey
  readonly directory: LocalDirectory
  /** The folder that holds one folder per model. */
  readonly modelsFolder: string
  /** An id of the relay's catalogue. */
  readonly model: string
  readonly backend: Backend
  /** How it is paid. @default it is not, and asks for nothing: a price that nobody can pay would be no price */
  readonly payee?: Payee | undefined
}

/** Makes the relay provide as well, so that a network of one is not empty: the same peer as a tab's, over ORT in Node. */
export async function mountProvider(
  relay: RelayHost,
  { privateKey, directory, modelsFolder, model, backend, payee }: MountProviderInit,
): Promise<{ stop(): Promise<void> }> {
  const { modelFolder, manifest } = await findModel(relay, modelsFolder, model)
  let known: EngineMeasure | undefined
  const engine = await createStandingEngine({
    clock: nodeClock,
    async start(signal) {
      const started = await createNodeEngine({ manifest, modelFolder, backend, known }, { signal })
      known = started.measure
      return started
    },
  })
  const relays = { directories: [directory], views: [], onChange: () => () => undefined }
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const peer = createPeer(
    { node: relay.node, key: privateKey, clock: nodeClock, random, relays },
    { kind: 'node', addresses: () => relay.addresses },
  )
  const provided = provideModel(peer, engine, { price: listPriceOf(manifest), payee })
  return {
    stop: async () => {
      await provided.stop()
      await peer.stop()
      await engine.close()
    },
  }
}

/** The model that the relay's own catalogue has under this id, in the folder that the relay serves it from. */
async function findModel(
  relay: RelayHost,
  modelsFolder: string,
  id: string,
): Promise<{ modelFolder: string; manifest: Manifest }> {
  const entry = relay.catalogue.find((each) => each.id === id)
  const { manifest: path, hash } = (entry && usualPrecision(entry)) ?? {}
  if (path === undefined) throw new InfernetError('models.unknown')
  if (!path.startsWith(SERVED_MODELS))
    throw new InfernetError('models.unavailable', { path, status: 'not on this disk' })
  const file = join(modelsFolder, ...path.slice(SERVED_MODELS.length).split('/'))
  const manifest = parseManifest(await readManifest(dirname(file), basename(file)))
  if (hash !== undefined && hashManifest(manifest) !== hash)
    throw new InfernetError('models.corrupt', { path })
  return { modelFolder: dirname(file), manifest }
}

async function readManifest(folder: string, path: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, path))
  } catch (cause) {
    const status = systemCode(cause) === 'ENOENT' ? 'not on this disk' : systemReason(cause)
    throw new InfernetError('models.unavailable', { path, status }, { cause })
  }
}
