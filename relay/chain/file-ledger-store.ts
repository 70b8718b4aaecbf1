import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import { decode, encode } from '#shared/wire/codec.ts'

const entrySchema = v.strictObject({ key: v.string(), value: v.instance(Uint8Array) })
const SUFFIX = '.entry'

/**
 * Records in a folder, one file each, whole or not at all: written beside, brought to the disk, then renamed. Held in
 * memory as well, so the folder belongs to one process.
 */
export class FileLedgerStore implements LedgerStore {
  readonly #folder: string
  readonly #entries: Map<string, Uint8Array>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(folder: string, entries: Map<string, Uint8Array>) {
    this.#folder = folder
    this.#entries = entries
  }

  /** Makes the folder where there is none. A file that is no record is left out, and left where it is. */
  static async open(folder: string): Promise<FileLedgerStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const entries = new Map<string, Uint8Array>()
    for (const name of await readdir(folder)) {
      if (!name.endsWith(SUFFIX)) {
        await rm(join(folder, name), { force: true }) // a draft of a process that was killed
        continue
      }
      try {
        const { key, value } = decode(entrySchema, await readFile(join(folder, name)))
        entries.set(key, value)
      } catch {
        continue
      }
    }
    return new FileLedgerStore(folder, entries)
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#entries.get(key)
  }

  update(key: string, change: (present: Uint8Array | undefined) => Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const value = change(this.#entries.get(key))
      await this.#write(key, value)
      this.#entries.set(key, value)
    })
  }

  async list(prefix: string): Promise<readonly (readonly [string, Uint8Array])[]> {
    return [...this.#entries].filter(([key]) => key.startsWith(prefix))
  }

  delete(key: string): Promise<void> {
    return this.#inTurn(async () => {
      await rm(this.#fileOf(key), { force: true })
      this.#entries.delete(key)
    })
  }

  async #write(key: string, value: Uint8Array): Promise<void> {
    const draft = join(this.#folder, `${randomUUID()}.draft`)
    try {
      const file = await open(draft, 'wx', 0o600)
      try {
        await file.writeFile(encode({ key, value }))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, this.#fileOf(key))
    } finally {
      await rm(draft, { force: true })
    }
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step)
    this.#turn = done.catch(() => undefined)
    return done
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex')}${SUFFIX}`)
  }
}
