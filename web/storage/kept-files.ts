import type { ManifestFile } from '#shared/models/manifest.ts'
import { MODEL_FOLDER } from '#shared/models/model-cache.ts'

type Files = readonly Pick<ManifestFile, 'sha256' | 'size'>[]
type Storage = StorageManager | undefined

/** Whether this browser keeps files for this page: not over plain http, and not in every private window. */
export async function keepsFiles(storage: Storage = navigator.storage): Promise<boolean> {
  return (await openFolder(storage)) !== undefined
}

/** How much of each file is here, in bytes. */
export async function keptBytes(
  files: Files,
  storage: Storage = navigator.storage,
): Promise<readonly number[]> {
  const folder = await openFolder(storage)
  return Promise.all(
    files.map(async ({ sha256, size }) => {
      const file = await folder?.getFileHandle(sha256).catch(unlessMissing)
      return file ? Math.min(size, (await file.getFile()).size) : 0
    }),
  )
}

/** Deletes files. One that is being written fails: the browser holds it. */
export async function removeFiles(files: Files, storage: Storage = navigator.storage): Promise<void> {
  const folder = await openFolder(storage)
  if (folder) await Promise.all(files.map(({ sha256 }) => folder.removeEntry(sha256).catch(unlessMissing)))
}

/** What this browser gives this page, in bytes; `undefined` where it does not say. Never throws. */
export async function readRoom(storage: Storage = navigator.storage): Promise<{
  readonly usedBytes: number | undefined
  readonly freeBytes: number | undefined
  readonly isLasting: boolean | undefined
}> {
  const [estimate, isLasting] = await Promise.all([
    storage?.estimate().catch(() => undefined),
    storage?.persisted().catch(() => undefined),
  ])
  const { usage, quota } = estimate ?? {}
  const freeBytes = quota === undefined ? undefined : Math.max(0, quota - (usage ?? 0))
  return { usedBytes: usage, freeBytes, isLasting }
}

async function openFolder(storage: Storage): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    return await (await storage?.getDirectory())?.getDirectoryHandle(MODEL_FOLDER, { create: true })
  } catch {
    return undefined
  }
}

function unlessMissing(thrown: unknown): undefined {
  if (thrown instanceof DOMException && thrown.name === 'NotFoundError') return undefined
  throw thrown
}
