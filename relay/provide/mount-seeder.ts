import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PrivateKey } from '@libp2p/interface'
import { MIB } from '#shared/base/units.ts'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { seedModels, type Seeding } from '#shared/peer/seeding.ts'
import type { SeedsPort } from '#shared/schedule/seeds/seeds-port.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { LocateModelFile } from '../config/models-folder.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import type { Logger } from '../observe/log.ts'
import { FolderStore } from './folder-store.ts'

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
  const looking = lookAt(seeding, filesOf(catalogue, locate), stopper.signal).catch((thrown: unknown) => {
    if (!stopper.signal.aborted) log.warn({ err: thrown }, 'models are not passed on')
  })
  return {
    stop: async () => {
      stopper.abort()
      await looking
      await seeding.stop()
    },
  }
}

/** Where the relay keeps the manifests that it serves. */
function filesOf(catalogue: readonly CatalogueEntry[], locate: LocateModelFile): readonly string[] {
  const places = catalogue.flatMap(({ precisions }) => precisions.flatMap(({ manifest }) => manifest ?? []))
  return places.flatMap((place) => locate(place) ?? [])
}

/** In the background, one file after another: a relay answers meanwhile. */
async function lookAt(seeding: Seeding, paths: readonly string[], signal: AbortSignal): Promise<void> {
  for (const path of paths) {
    const manifest = await readManifest(path)
    if (!manifest) continue
    const store = new FolderStore(dirname(path))
    await store.look(manifest, { signal })
    signal.throwIfAborted()
    await seeding.share(manifest, store)
  }
}

/** Undefined where there is none that can be read: the relay serves no such model. */
async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return parseManifest(await readFile(path), path)
  } catch {
    return undefined
  }
}
