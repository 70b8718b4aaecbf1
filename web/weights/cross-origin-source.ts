import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import { PIECE_BYTES, type Manifest } from '#shared/models/manifest.ts'

interface HashName {
  readonly algorithm: 'SHA-256'
  readonly value: string
}
interface FoundFile {
  getFile(): Promise<Blob>
}
/** A proposal (WICG cross-origin-storage); its first form took and gave lists. */
interface CrossOriginStorage {
  requestFileHandle?(hash: HashName): Promise<FoundFile>
  requestFileHandles?(hashes: readonly HashName[]): Promise<readonly FoundFile[]>
}

/**
 * Files that other sites have stored on this machine, found by their SHA-256: one more place to look before anything is
 * downloaded, where the browser offers it. What comes out is checked like anything else.
 *
 * Undefined in browsers that have none.
 */
export function createCrossOriginSource(
  manifest: Manifest,
  browser: object = navigator,
): ByteSource | undefined {
  const storage = (browser as { crossOriginStorage?: CrossOriginStorage }).crossOriginStorage
  if (!storage) return undefined
  return {
    async open(path, { offset }) {
      const file = manifest.files.find((each) => each.path === path)
      const found = file && (await find(storage, file.sha256))
      if (found?.size !== file?.size || !found)
        throw new InfernetError('models.unavailable', { path, status: 'no other site has stored it' })
      return { offset, body: partsOf(found, offset) }
    },
  }
}

async function find(storage: CrossOriginStorage, sha256: string): Promise<Blob | undefined> {
  const hash: HashName = { algorithm: 'SHA-256', value: sha256 }
  try {
    const handle = storage.requestFileHandle
      ? await storage.requestFileHandle(hash)
      : (await storage.requestFileHandles?.([hash]))?.[0]
    return await handle?.getFile()
  } catch {
    // Not there, not allowed, or not asked in time: it is downloaded then.
    return undefined
  }
}

async function* partsOf(blob: Blob, offset: number): AsyncGenerator<Uint8Array, void, void> {
  for (let at = offset; at < blob.size; at += PIECE_BYTES)
    yield new Uint8Array(await blob.slice(at, at + PIECE_BYTES).arrayBuffer())
}
