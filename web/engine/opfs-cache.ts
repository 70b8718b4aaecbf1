import { MODEL_FOLDER, type CachedFile, type ModelCache } from '#shared/models/model-cache.ts'

/** Of lib.webworker, which cannot be loaded beside lib.dom. Exists in dedicated workers alone. */
interface SyncAccessHandle {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number
  truncate(size: number): void
  getSize(): number
  flush(): void
  close(): void
}
interface SyncFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<SyncAccessHandle>
}

/**
 * Model files in the origin private file system, written in place as pieces arrive.
 *
 * Undefined where there is none: private windows, old browsers, pages over plain http. A handle locks its file, so a
 * second tab that loads at the same moment gets no place and simply downloads.
 */
export function createOpfsCache(storage: StorageManager | undefined): ModelCache | undefined {
  if (!storage || !('getDirectory' in storage)) return undefined
  return {
    async open({ sha256 }) {
      const folder = await (await storage.getDirectory()).getDirectoryHandle(MODEL_FOLDER, { create: true })
      const file = (await folder.getFileHandle(sha256, { create: true })) as SyncFileHandle
      return wrap(await file.createSyncAccessHandle())
    },
  }
}

function wrap(handle: SyncAccessHandle): CachedFile {
  return {
    get size() {
      return handle.getSize()
    },
    async read(offset, length) {
      const bytes = new Uint8Array(length)
      return bytes.subarray(0, handle.read(bytes, { at: offset }))
    },
    async write(offset, bytes) {
      // A full disk shows as a short count or as QuotaExceededError, depending on the browser.
      if (handle.write(bytes, { at: offset }) < bytes.length) throw new Error('the storage is full')
    },
    async truncate(size) {
      handle.truncate(size)
    },
    async close() {
      handle.flush()
      handle.close()
    },
  }
}
