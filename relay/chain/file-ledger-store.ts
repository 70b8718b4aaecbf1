import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { LedgerStore } from '#shared/settle/ledger-store.ts'
import { decode, encode } from '#shared/wire/codec.ts'
import { StartError } from '../base/start-error.ts'
import { systemReason } from '../base/system-reason.ts'

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

  /**
   * Makes the folder where there is none. A file that is no record is left out, left where it is, and told of.
   *
   * @throws StartError when the folder or a file in it cannot be read: vouchers that are not seen are not claimed.
   */
  static async open(
    folder: string,
    { onLeftOut }: { onLeftOut?: (file: string) => void } = {},
  ): Promise<FileLedgerStore> {
    const entries = new Map<string, Uint8Array>()
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) {
        const file = join(folder, name)
        if (!name.endsWith(SUFFIX)) {
          await rm(file, { force: true }) // a draft of a process that was killed
          continue
        }
        const entry = readEntry(await readFile(file))
        if (entry) entries.set(entry.key, entry.value)
        else onLeftOut?.(file)
      }
      // A folder that can be read but not written would lose what is taken later on.
      const trial = join(folder, `${randomUUID()}.draft`)
      await (await open(trial, 'wx', 0o600)).close()
      await rm(trial, { force: true })
    } catch (cause) {
      throw new StartError(
        `Opening the folder of vouchers ${folder} failed (${systemReason(cause)}).`,
        'The vouchers in it are money: do not remove it. Let this user read and write it, or leave --relay-key-file out meanwhile.',
        { cause },
      )
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

function readEntry(bytes: Uint8Array): v.InferOutput<typeof entrySchema> | undefined {
  try {
    return decode(entrySchema, bytes)
  } catch {
    return undefined
  }
}
