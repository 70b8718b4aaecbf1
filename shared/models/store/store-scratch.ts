import { sha256 } from '@noble/hashes/sha2.js'
import { toHex, utf8 } from '../../base/bytes.ts'
import { PIECE_BYTES, type ManifestFile } from '../manifest.ts'
import type { ListedFile } from '../origin/origin.ts'
import type { GrowingFile, Scratch } from '../origin/scratch.ts'
import { partName } from './adopt-file.ts'
import type { FileStore } from './file-store.ts'
import { fullError } from './full-error.ts'
import { lengthOfPiece } from './kept-file.ts'
import { DeviceFull, type DeviceFile, type StoreDevice } from './store-device.ts'
import type { Release, StoreLocks } from './store-locks.ts'
import { useOf } from './use-files.ts'

export interface ScratchComponents {
  /** That of the store. */
  readonly device: StoreDevice
  readonly locks: StoreLocks
  readonly store: Pick<FileStore, 'adopt' | 'put' | 'fullReason'>
}

/**
 * Lets files grow on a store's own device until their hashes are known, without a copy of any: a large one, whose
 * SHA-256 its hub tells before, gets its name at its end. What an earlier attempt left is gone on with, and a file that
 * the store has already is read and not fetched.
 *
 * One user writes a file at a time; others wait for it. Nobody deletes what is here until {@link release}.
 */
export class StoreScratch implements Scratch {
  readonly #own: ScratchComponents
  readonly #signal: AbortSignal | undefined
  readonly #uses: Release[] = []
  /** Known by Git's name alone: each stays under it until all is here, so that another attempt finds it. */
  readonly #small = new Set<string>()

  constructor(components: ScratchComponents, { signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    this.#own = components
    this.#signal = signal
  }

  /** @throws InfernetError `models.store-busy`, or the signal's reason */
  async open(file: ListedFile): Promise<GrowingFile> {
    const { device, locks } = this.#own
    const name = file.sha256 ?? file.gitHash ?? `new-${toHex(sha256(utf8(`${file.size} ${file.path}`)))}`
    if (file.sha256 !== undefined) await this.#use({ sha256: file.sha256 })
    const release = await locks.acquire(partName(name), { mode: 'exclusive', signal: this.#signal })
    try {
      // Nothing tells what belongs together there.
      if (name.startsWith('new-')) await device.remove(partName(name))
      const there = file.sha256 !== undefined && (await device.stat(file.sha256))
      const isThere = there && there.size === file.size
      if (isThere) return new Growing(this.#own, file.sha256, there.size, this.#endOf(release))
      const size = (await device.stat(partName(name)))?.size ?? 0
      if (file.sha256 === undefined) this.#small.add(partName(name))
      return new Growing(this.#own, partName(name), size, this.#endOf(release))
    } catch (thrown) {
      release()
      throw thrown
    }
  }

  /** All files are adopted: what is left of the small ones goes. */
  async tidy(): Promise<void> {
    for (const name of this.#small) await this.#own.device.remove(name)
  }

  /** Holds nothing any more. What is not adopted stays for the next attempt, unless its room is needed before. */
  release(): void {
    for (const release of this.#uses.splice(0)) release()
  }

  #endOf(release: Release): GrowingEnd {
    return { release, use: (file) => this.#use(file), signal: this.#signal }
  }

  async #use(file: Pick<ManifestFile, 'sha256'>): Promise<void> {
    const { locks } = this.#own
    this.#uses.push(await locks.acquire(useOf(file), { mode: 'shared', signal: this.#signal }))
  }
}

interface GrowingEnd {
  readonly release: Release
  readonly use: (file: Pick<ManifestFile, 'sha256'>) => Promise<void>
  readonly signal: AbortSignal | undefined
}

class Growing implements GrowingFile {
  readonly #own: ScratchComponents
  readonly #end: GrowingEnd
  #name: string
  #size: number
  #data: DeviceFile | undefined
  /** While a file is read that others may read and change. */
  #unlock: Release | undefined

  constructor(own: ScratchComponents, name: string, size: number, end: GrowingEnd) {
    this.#own = own
    this.#name = name
    this.#size = size
    this.#end = end
  }

  get size(): number {
    return this.#size
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length)
    return bytes.subarray(0, await (await this.#open()).read(offset, bytes))
  }

  async write(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#unlessFull(async () => (await this.#open()).write(offset, bytes))
    this.#size = offset + bytes.length
  }

  async truncate(size: number): Promise<void> {
    await this.#shut()
    if (this.#isInStore) this.#name = partName(this.#name)
    if (size === 0) await this.#own.device.remove(this.#name)
    this.#size = size
  }

  async adopt(file: ManifestFile): Promise<void> {
    const isNamed = this.#name === file.sha256 || this.#name === partName(file.sha256)
    if (!isNamed) await this.#copy(file)
    else {
      // An empty file, too, is there in the end.
      if (!this.#isInStore) await (await this.#open()).flush()
      await this.#shut()
      await this.#unlessFull(() => this.#own.store.adopt(file, this.#name))
    }
    await this.close()
  }

  async close(): Promise<void> {
    await this.#shut()
    this.#end.release()
  }

  /** Small, as all that the hub knows by Git's name alone. */
  async #copy(file: ManifestFile): Promise<void> {
    const { store } = this.#own
    await this.#end.use(file)
    for (let piece = 0; piece < file.pieces.length; piece++) {
      const bytes = await this.read(piece * PIECE_BYTES, lengthOfPiece(file, piece))
      if ((await store.put(file, piece, bytes)) !== 'kept') throw fullError(store)
    }
  }

  /** A whole file of the store, and none of ours. */
  get #isInStore(): boolean {
    return /^[0-9a-f]{64}$/.test(this.#name)
  }

  async #open(): Promise<DeviceFile> {
    if (this.#data) return this.#data
    const { device, locks } = this.#own
    const isInStore = this.#isInStore
    const mode = device.sharesReads ? 'shared' : 'exclusive'
    if (isInStore) this.#unlock = await locks.acquire(this.#name, { mode, signal: this.#end.signal })
    const data = await device.open(this.#name, isInStore ? 'read' : 'write')
    if (!data) throw new Error(`${this.#name} is gone`)
    this.#data = data
    return data
  }

  async #shut(): Promise<void> {
    const data = this.#data
    this.#data = undefined
    try {
      await data?.close()
    } finally {
      this.#unlock?.()
      this.#unlock = undefined
    }
  }

  async #unlessFull(write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (thrown) {
      if (thrown instanceof DeviceFull) throw fullError({ fullReason: thrown.reason })
      throw thrown
    }
  }
}
