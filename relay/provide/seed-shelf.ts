import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Backend } from '#shared/engine/engine.ts'
import type { EngineMeasure } from '#shared/engine/engine-measure.ts'
import { createStandingEngine } from '#shared/engine/standing-engine.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { usualPrecision, type CatalogueEntry, type Precision } from '#shared/models/catalogue/entry.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import { ProviderShelf } from '#shared/peer/provider-shelf.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { LocateModelFile } from '../config/models-folder.ts'
import { systemCode, systemReason } from '../base/system-reason.ts'
import { createNodeEngine } from './node-engine.ts'

export interface SeedShelfInit {
  /** The relay's own. */
  readonly catalogue: readonly CatalogueEntry[]
  readonly locate: LocateModelFile
  /** Ids of the catalogue, each alone or with a precision, e.g. `infernet-tiny:q4`; the first is loaded at the start. */
  readonly models: readonly string[]
  readonly backend: Backend
}

interface SeedModel {
  readonly manifest: Manifest
  readonly modelFolder: string
  known: EngineMeasure | undefined
}

/**
 * The models of a relay's own provider: all on its disk, one of them loaded. Each is loaded once here, so that what is
 * offered was tested and measured on this machine.
 *
 * @throws InfernetError `models.*`, `engine.*` when one of them cannot be
 */
export async function openSeedShelf({ catalogue, locate, models, backend }: SeedShelfInit): Promise<{
  readonly shelf: ProviderShelf
  readonly manifests: ReadonlyMap<ModelHash, Manifest>
}> {
  if (models.length === 0) throw new InfernetError('models.unknown')
  const read = await Promise.all(models.map((name) => readSeedModel(catalogue, locate, name)))
  const seeds = new Map(read.map((seed) => [hashManifest(seed.manifest), seed]))
  const shelf = new ProviderShelf({
    clock: nodeClock,
    load: (model, { signal }) =>
      createStandingEngine(
        { clock: nodeClock, start: (ending) => startEngine(seeds.get(model), backend, ending) },
        {},
        { signal },
      ),
  })
  try {
    // The first one last, so that it is the one that stays loaded.
    for (const model of [...seeds.keys()].toReversed()) await shelf.add(model, { tier: 'disk' })
  } catch (thrown) {
    await shelf.stop()
    throw thrown
  }
  return { shelf, manifests: new Map([...seeds].map(([model, { manifest }]) => [model, manifest])) }
}

async function startEngine(seed: SeedModel | undefined, backend: Backend, signal: AbortSignal) {
  if (!seed) throw new InfernetError('models.unknown')
  const started = await createNodeEngine({ ...seed, backend }, { signal })
  seed.known = started.measure
  return started
}

/** The model that the catalogue has under this name, where the relay serves it from. */
async function readSeedModel(
  catalogue: readonly CatalogueEntry[],
  locate: LocateModelFile,
  name: string,
): Promise<SeedModel> {
  const { manifest: path, hash } = precisionOf(catalogue, name) ?? {}
  if (path === undefined) throw new InfernetError('models.unknown')
  const file = locate(path)
  if (file === undefined) throw new InfernetError('models.unavailable', { path, status: 'not on this disk' })
  const manifest = parseManifest(await readManifest(dirname(file), basename(file)))
  if (hash !== undefined && hashManifest(manifest) !== hash)
    throw new InfernetError('models.corrupt', { path })
  return { manifest, modelFolder: dirname(file), known: undefined }
}

function precisionOf(catalogue: readonly CatalogueEntry[], name: string): Precision | undefined {
  const [id, dtype] = name.split(':')
  const entry = catalogue.find((each) => each.id === id)
  if (!entry || dtype === undefined) return entry && usualPrecision(entry)
  return entry.precisions.find((each) => each.dtype === dtype)
}

async function readManifest(folder: string, path: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, path))
  } catch (cause) {
    const status = systemCode(cause) === 'ENOENT' ? 'not on this disk' : systemReason(cause)
    throw new InfernetError('models.unavailable', { path, status }, { cause })
  }
}
