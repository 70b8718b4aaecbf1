import { toHex } from '../../base/bytes.ts'
import type { Digest } from '../byte-source.ts'
import type { DeviceFile, StoreDevice } from './store-device.ts'

/** Opens a file, and closes it whatever happens. One that is missing is read as an empty one. */
export async function withFile<T>(
  device: StoreDevice,
  name: string,
  mode: 'read' | 'write',
  work: (file: DeviceFile) => Promise<T>,
): Promise<T> {
  const file = (await device.open(name, mode)) ?? NO_FILE
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

export async function hashOf(digest: Digest, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await digest(bytes)))
}

/** Of no byte. */
export const NO_FILE: DeviceFile = {
  read: () => Promise.resolve(0),
  readNow: () => 0,
  write: () => Promise.resolve(),
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
}
