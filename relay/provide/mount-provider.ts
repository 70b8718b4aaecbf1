import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import type { Backend } from '#shared/engine/engine.ts'
import type { EngineMeasure } from '#shared/engine/engine-measure.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { CATALOGUE } from '#shared/models/catalogue.ts'
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
  /** An id of the catalogue. */
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
  const entry = CATALOGUE.find(({ id }) => id === model)
  const manifestName = entry?.manifests[entry.dtype]
  if (!entry || manifestName === undefined) throw new InfernetError('models.unknown')
  const modelFolder = join(modelsFolder, entry.id)
  const manifest = parseManifest(await readManifest(modelFolder, manifestName))
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

async function readManifest(folder: string, path: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, path))
  } catch (cause) {
    const status = systemCode(cause) === 'ENOENT' ? 'not on this disk' : systemReason(cause)
    throw new InfernetError('models.unavailable', { path, status }, { cause })
  }
}
