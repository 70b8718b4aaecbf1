import { mkdir, open, rename, stat, statfs, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { GrowingFile, Scratch } from '#shared/models/origin/scratch.ts'

/** Ends the name of a file that is not whole. No path of a manifest ends so, and a relay's folder may hold it. */
const PART = '.part'
const MB = 1_000_000

/**
 * A folder in which files grow beside their place and are named when they are whole and right. What is there already is
 * read again, not loaded.
 *
 * @param folder of one commit: the same path never stands for two contents in it
 */
export function createFolderScratch(folder: string): Scratch {
  return {
    async open({ path, size }) {
      const place = join(folder, path)
      const isThere = (await sizeOf(place)) === size
      const here = isThere ? size : Math.min(size, (await sizeOf(place + PART)) ?? 0)
      await expectRoom(dirname(place), size - here)
      return new PartFile(place, here, isThere)
    },
  }
}

class PartFile implements GrowingFile {
  readonly #place: string
  #size: number
  /** Whether what is read is the finished file of an earlier run, which stays until another takes its place. */
  #isThere: boolean
  #handle: FileHandle | undefined

  constructor(place: string, size: number, isThere: boolean) {
    this.#place = place
    this.#size = size
    this.#isThere = isThere
  }

  get size(): number {
    return this.#size
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length)
    const { bytesRead } = await (await this.#open()).read(bytes, 0, length, offset)
    return bytes.subarray(0, bytesRead)
  }

  async write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const handle = await this.#open()
    for (let at = 0; at < bytes.length;)
      at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten
    this.#size = offset + bytes.length
  }

  async truncate(size: number): Promise<void> {
    await this.close()
    this.#isThere = false
    await (await this.#open()).truncate(size)
    this.#size = size
  }

  async adopt(): Promise<void> {
    await this.#open() // an empty file, too, is there in the end
    await this.close()
    if (!this.#isThere) await rename(this.#place + PART, this.#place)
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #open(): Promise<FileHandle> {
    this.#handle ??= this.#isThere ? await open(this.#place, 'r') : await openPart(this.#place + PART)
    return this.#handle
  }
}

/** Folders are made with their first bytes, so that a model which cannot be had leaves none. */
async function openPart(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true })
  return open(path, (await sizeOf(path)) === undefined ? 'w+' : 'r+')
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}

async function expectRoom(folder: string, neededBytes: number): Promise<void> {
  const freeBytes = await freeIn(folder)
  if (neededBytes > freeBytes)
    throw new InfernetError('models.no-space', {
      neededMb: Math.ceil(neededBytes / MB),
      freeMb: Math.floor(freeBytes / MB),
    })
}

/** On the disk where a folder is, or will be. */
async function freeIn(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch (error) {
    if (dirname(folder) === folder) throw error
    return freeIn(dirname(folder))
  }
}
