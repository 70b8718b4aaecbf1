import { readFile } from 'node:fs/promises'
import type { CatalogueEntry } from '#shared/models/catalogue/entry.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { parseManifest } from '#shared/models/parse-manifest.ts'
import type { LocateModelFile } from '../config/models-folder.ts'

/** Where the relay keeps the manifests that it serves. */
export function manifestFilesOf(
  catalogue: readonly CatalogueEntry[],
  locate: LocateModelFile,
): readonly string[] {
  const places = catalogue.flatMap(({ precisions }) => precisions.flatMap(({ manifest }) => manifest ?? []))
  return places.flatMap((place) => locate(place) ?? [])
}

/** Undefined where there is none that can be read: the relay serves no such model. */
export async function readOwnManifest(path: string): Promise<Manifest | undefined> {
  try {
    return parseManifest(await readFile(path), path)
  } catch {
    return undefined
  }
}
