import { toHex } from '#shared/base/bytes.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import type { ManifestFile } from '#shared/models/manifest.ts'
import { MODEL_FOLDER } from '#shared/models/model-cache.ts'

/**
 * Files of a manifest as this browser keeps them, each under its SHA-256; what is not here, or not right, comes from
 * `otherwise`. For small files: each is read and hashed as a whole.
 */
export function keptSource(
  files: readonly ManifestFile[],
  otherwise: ByteSource,
  storage: StorageManager | undefined = navigator.storage,
): ByteSource {
  return {
    async open(path, options) {
      const file = files.find((each) => each.path === path)
      const bytes = file && (await readKept(file, storage))
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

async function readKept(
  { sha256, size }: ManifestFile,
  storage: StorageManager | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const folder = await (await storage?.getDirectory())?.getDirectoryHandle(MODEL_FOLDER)
    const kept = await (await folder?.getFileHandle(sha256))?.getFile()
    if (kept?.size !== size) return undefined
    const bytes = new Uint8Array(await kept.arrayBuffer())
    const digest = await crypto.subtle.digest('SHA-256', bytes)
    return toHex(new Uint8Array(digest)) === sha256 ? bytes : undefined
  } catch {
    return undefined // nothing is kept here, or it is not there
  }
}
