import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { DeviceFull, type DeviceFile, type StoreDevice } from '#shared/models/store/store-device.ts'

/** The folder of the origin's private file system that holds model files. Older pages used it as well. */
const MODEL_FOLDER = 'models'

/** Of lib.webworker, which cannot be loaded beside lib.dom. Exists in dedicated workers alone. */
interface SyncAccessHandle {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number
  flush(): void
  close(): void
}
interface SyncFileHandle extends FileSystemFileHandle {
  /** In all browsers with such files; not yet in the standard. */
  move(name: string): Promise<void>
  createSyncAccessHandle(options?: { mode: 'readwrite' | 'read-only' }): Promise<SyncAccessHandle>
}

/**
 * What holds a file without our lock lets go soon: a worker that was ended a moment ago, a page of an older version
 * that loads. So often, with so long in between, it is tried again.
 */
const TRIES = 40
const BETWEEN_MS = 50

/**
 * Model files in the origin private file system. Works in a dedicated worker alone.
 *
 * Undefined where there is none: some private windows, old browsers, pages over plain http.
 */
export async function openOpfsDevice(
  storage: StorageManager | undefined,
  clock: Clock,
): Promise<StoreDevice | undefined> {
  const folder = await openFolder(storage)
  if (!folder) return undefined
  const kind = (globalThis as { FileSystemSyncAccessHandle?: { prototype: object } })
    .FileSystemSyncAccessHandle
  return {
    sharesReads: kind !== undefined && 'mode' in kind.prototype,
    open: (name, mode) =>
      untilFree(clock, async () => {
        const file = await orNone(() => folder.getFileHandle(name, { create: mode === 'write' }))
        if (!file) return undefined
        const wanted = mode === 'read' ? 'read-only' : 'readwrite'
        return wrap(await (file as SyncFileHandle).createSyncAccessHandle({ mode: wanted }))
      }),
    stat: (name) =>
      orNone(async () => {
        const { size, lastModified } = await (await folder.getFileHandle(name)).getFile()
        return { size, modifiedAt: lastModified }
      }),
    async remove(name) {
      await untilFree(clock, () => orNone(() => folder.removeEntry(name)))
    },
    ...('move' in FileSystemFileHandle.prototype && {
      async rename(from: string, to: string) {
        const file = (await folder.getFileHandle(from)) as SyncFileHandle
        await untilFree(clock, () => file.move(to))
      },
    }),
    async list() {
      const names: string[] = []
      for await (const name of folder.keys()) names.push(name)
      return names
    },
  }
}

async function openFolder(
  storage: StorageManager | undefined,
): Promise<FileSystemDirectoryHandle | undefined> {
  if (!storage || !('getDirectory' in storage)) return undefined
  if (
    typeof FileSystemFileHandle === 'undefined' ||
    !('createSyncAccessHandle' in FileSystemFileHandle.prototype)
  )
    return undefined
  try {
    return await (await storage.getDirectory()).getDirectoryHandle(MODEL_FOLDER, { create: true })
  } catch {
    // Firefox's private windows have the method, and refuse.
    return undefined
  }
}

function wrap(handle: SyncAccessHandle): DeviceFile {
  const readNow: DeviceFile['readNow'] = (at, into) => handle.read(into, { at })
  return {
    readNow,
    read: async (at, into) => readNow(at, into),
    async write(at, bytes) {
      let count: number
      try {
        count = handle.write(bytes, { at })
      } catch (thrown) {
        if (isNamed(thrown, 'QuotaExceededError')) throw new DeviceFull('quota', { cause: thrown })
        throw thrown
      }
      // A disk that is full before the quota is shows as a short count.
      if (count < bytes.length) throw new DeviceFull('disk')
    },
    async flush() {
      handle.flush()
    },
    async close() {
      handle.close()
    },
  }
}

async function untilFree<T>(clock: Clock, take: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await take()
    } catch (thrown) {
      if (!isNamed(thrown, 'NoModificationAllowedError')) throw thrown
      if (tries === TRIES) throw new InfernetError('models.store-busy', undefined, { cause: thrown })
      await sleep(clock, millis(BETWEEN_MS))
    }
}

async function orNone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (thrown) {
    if (isNamed(thrown, 'NotFoundError')) return undefined
    throw thrown
  }
}

function isNamed(thrown: unknown, name: string): boolean {
  return thrown instanceof Error && thrown.name === name
}
