import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { MIB } from '#shared/base/units.ts'
import { seedModels, type Seeding } from '#shared/peer/seeding.ts'
import type { SeedsPort } from '#shared/schedule/seeds/seeds-port.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { LocateModelFile } from '../config/models-folder.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import type { Logger } from '../observe/log.ts'
import { FolderStore } from './folder-store.ts'
import { manifestFilesOf, readOwnManifest } from './own-manifests.ts'

export interface MountSeederInit {
  readonly privateKey: PrivateKey
  readonly log: Logger
  /** The relay's own register. */
  readonly seeds: SeedsPort
  readonly locate: LocateModelFile
  /** 0 for none. */
  readonly megabytesPerSecond: number
}

/** Makes the relay pass on the models that it serves over HTTP anyway, once their files were found right. */
export async function mountSeeder(
  { node, addresses, catalogue }: Pick<RelayHost, 'node' | 'addresses' | 'catalogue'>,
  { privateKey, log, seeds, locate, megabytesPerSecond }: MountSeederInit,
): Promise<{ stop(): Promise<void> } | undefined> {
  if (megabytesPerSecond === 0) return undefined
  const seeding = await seedModels(
    {
      node,
      key: privateKey,
      clock: nodeClock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      registers: { ports: [seeds], onChange: () => () => undefined },
    },
    // Its peers are most of the network, and its operator pays for the rate alone.
    { addresses: () => addresses, uploadBytesPerSecond: megabytesPerSecond * MIB, budgetBytes: Infinity },
  )
  const stopper = new AbortController()
  const looking = lookAt(seeding, manifestFilesOf(catalogue, locate), stopper.signal).catch(
    (thrown: unknown) => {
      if (!stopper.signal.aborted) log.warn({ err: thrown }, 'models are not passed on')
    },
  )
  return {
    stop: async () => {
      stopper.abort()
      await looking
      await seeding.stop()
    },
  }
}

/** In the background, one file after another: a relay answers meanwhile. */
async function lookAt(seeding: Seeding, paths: readonly string[], signal: AbortSignal): Promise<void> {
  for (const path of paths) {
    const manifest = await readOwnManifest(path)
    if (!manifest) continue
    const store = new FolderStore(dirname(path))
    await store.look(manifest, { signal })
    signal.throwIfAborted()
    await seeding.share(manifest, store)
  }
}
