import { concatBytes } from '#shared/base/bytes.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import type { ManifestFile } from '#shared/models/manifest.ts'
import { openWeights } from './open-weights.ts'

/**
 * Files of a manifest as this browser keeps them; what is not here, or not right, comes from `otherwise`. For small
 * files: each is read as a whole.
 */
export function keptSource(files: readonly ManifestFile[], otherwise: ByteSource): ByteSource {
  return {
    async open(path, options) {
      const file = files.find((each) => each.path === path)
      // A disk that fails is none: the file comes from elsewhere.
      const bytes = file && (await readKept(file).catch(() => undefined))
      if (!bytes) return otherwise.open(path, options)
      const { offset } = options
      return {
        offset,
        body: (async function* () {
          yield bytes.subarray(offset)
        })(),
      }
    },
  }
}

async function readKept(file: ManifestFile): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const store = await openWeights()
  if (!store || !(await store.held(file)).isComplete) return undefined
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (const piece of file.pieces.keys()) {
    const bytes = await store.read(file, piece)
    if (!bytes) return undefined
    pieces.push(bytes)
  }
  return concatBytes(...pieces)
}
