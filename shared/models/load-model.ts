import { toHex } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource, Digest } from './byte-source.ts'
import { PIECE_BYTES, type Manifest } from './manifest.ts'
import type { ModelFiles } from './model-files.ts'
import { fetchFromOrigin } from './store/fetch-from-origin.ts'
import { MemoryStore } from './store/memory-store.ts'
import type { LoadOptions } from './load-progress.ts'

export interface LoadComponents {
  /** The best first: where one fails, the next goes on. */
  readonly sources: readonly ByteSource[]
  readonly digest: Digest
}

/**
 * Brings every file of a manifest into memory: where nothing can be kept, and for small files.
 *
 * Each 1 MiB piece is hashed as it comes and the whole at the end. A wrong piece is fetched once more.
 *
 * @throws InfernetError `models.corrupt`, `models.truncated`, `models.unavailable`, or the signal's reason
 */
export async function loadModel(
  { sources, digest }: LoadComponents,
  manifest: Manifest,
  options: LoadOptions = {},
): Promise<ModelFiles> {
  for (const { path, size, pieces } of manifest.files)
    if (pieces.length !== Math.ceil(size / PIECE_BYTES)) throw new InfernetError('models.corrupt', { path })
  const store = new MemoryStore({ digest })
  await fetchFromOrigin({ store, sources }, manifest, options)
  const contents = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const file of manifest.files) {
    const { path, sha256 } = file
    const bytes = store.whole(file)
    // Every piece may be right and the whole not: then the manifest contradicts itself.
    if (!bytes || toHex(new Uint8Array(await digest(bytes))) !== sha256)
      throw new InfernetError('models.corrupt', { path })
    contents.set(path, bytes)
  }
  return {
    paths: [...contents.keys()],
    async read(path) {
      const bytes = contents.get(path)
      if (!bytes) throw new InfernetError('models.unavailable', { path, status: 'not in the manifest' })
      return bytes
    },
  }
}
