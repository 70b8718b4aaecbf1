import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ManifestFile } from '#shared/models/manifest.ts'
import { MODEL_FOLDER } from '#shared/models/model-cache.ts'

const MB = 1_000_000

/** Undefined on a page over plain http. */
type Storage = StorageManager | undefined

/**
 * Asks that weights be kept; to be called from a press of a button, since some browsers ask the person, who may take
 * their time. False: the browser may delete everything at once when space gets short, or after a week without a visit
 * (Safari).
 */
export async function keepStorage(storage: Storage = navigator.storage): Promise<boolean> {
  try {
    return (await storage?.persist()) ?? false
  } catch {
    return false
  }
}

/**
 * Refuses a model before its download when what is missing of it cannot be kept. Where the browser does not say how
 * much that is, nothing is refused.
 *
 * @throws InfernetError `models.no-space` with both figures
 */
export async function checkRoom(
  files: readonly Pick<ManifestFile, 'sha256' | 'size'>[],
  storage: Storage = navigator.storage,
): Promise<void> {
  const [free, missing] = await Promise.all([readFreeBytes(storage), readMissingBytes(files, storage)])
  if (free === undefined || missing === undefined || missing <= free) return
  throw new InfernetError('models.no-space', {
    neededMb: Math.ceil(missing / MB),
    freeMb: Math.floor(free / MB),
  })
}

/** Whether all of these files are here, as far as their sizes say; loading hashes them. Never throws. */
export async function hasFiles(
  files: readonly Pick<ManifestFile, 'sha256' | 'size'>[],
  storage: Storage = navigator.storage,
): Promise<boolean> {
  return (await readMissingBytes(files, storage)) === 0
}

/** Undefined where the browser does not say. */
async function readFreeBytes(storage: Storage): Promise<number | undefined> {
  try {
    const { usage = 0, quota } = (await storage?.estimate()) ?? {}
    return quota === undefined ? undefined : Math.max(0, quota - usage)
  } catch {
    return undefined
  }
}

/** What is not here yet of these files; undefined where nothing can be kept or looked at. */
async function readMissingBytes(
  files: readonly Pick<ManifestFile, 'sha256' | 'size'>[],
  storage: Storage,
): Promise<number | undefined> {
  try {
    const root = await storage?.getDirectory()
    const folder = await root?.getDirectoryHandle(MODEL_FOLDER, { create: true })
    if (!folder) return undefined
    const missing = files.map(async ({ sha256, size }) => size - Math.min(size, await sizeOf(folder, sha256)))
    return (await Promise.all(missing)).reduce((sum, bytes) => sum + bytes, 0)
  } catch {
    return undefined
  }
}

async function sizeOf(folder: FileSystemDirectoryHandle, name: string): Promise<number> {
  try {
    return (await (await folder.getFileHandle(name)).getFile()).size
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'NotFoundError') return 0
    throw thrown
  }
}
