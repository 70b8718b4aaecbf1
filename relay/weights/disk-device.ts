import { readSync } from 'node:fs'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DeviceFull, type DeviceFile, type StoreDevice } from '#shared/models/store/store-device.ts'

/** What the system says when nothing more fits, by its name for it. */
const FULL = { ENOSPC: 'disk', EDQUOT: 'quota', EFBIG: 'quota' } as const

/**
 * Model files in a folder of this machine, which is made where it is missing. One process uses it at a time
 * (`holdFolder`), so its locks are those of a process.
 *
 * @example
 * const store = new FileStore({ device: createDiskDevice(folder), locks: new LocalLocks(), digest, clock: nodeClock })
 */
export function createDiskDevice(folder: string): StoreDevice {
  const made = (): Promise<unknown> => mkdir(folder, { recursive: true })
  return {
    sharesReads: true,
    async open(name, mode) {
      const path = join(folder, name)
      if (mode === 'read') return orNone(() => openFile(path, 'r'))
      await made()
      return openFile(path, (await orNone(() => stat(path))) ? 'r+' : 'w+')
    },
    async stat(name) {
      const found = await orNone(() => stat(join(folder, name)))
      return found && { size: found.size, modifiedAt: found.mtimeMs }
    },
    remove: (name) => rm(join(folder, name), { force: true }),
    list: async () => (await orNone(() => readdir(folder))) ?? [],
  }
}

async function openFile(path: string, flags: string): Promise<DeviceFile> {
  const handle = await open(path, flags)
  return {
    readNow: (at, into) => readSync(handle.fd, into, 0, into.length, at),
    read: async (at, into) => (await handle.read(into, 0, into.length, at)).bytesRead,
    async write(at, bytes) {
      try {
        // A disk that fills up may take a part first, and tell at the next.
        for (let done = 0; done < bytes.length;)
          done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten
      } catch (thrown) {
        throw fullFrom(thrown) ?? thrown
      }
    },
    async flush() {
      try {
        await handle.datasync()
      } catch (thrown) {
        throw fullFrom(thrown) ?? thrown
      }
    },
    close: () => handle.close(),
  }
}

function fullFrom(thrown: unknown): DeviceFull | undefined {
  const code = codeOf(thrown)
  return code in FULL ? new DeviceFull(FULL[code as keyof typeof FULL], { cause: thrown }) : undefined
}

async function orNone<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined
    throw thrown
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}
