import type { Clock } from '../../base/clock.ts'
import { millis, MINUTE_MS } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { ManifestFile } from '../manifest.ts'
import { checkAgain, lookAt, RecordWriter, type CheckComponents, type KeptFile } from './kept-file.ts'
import { Lingering, type Opened } from './lingering.ts'
import { listOf } from './map-record.ts'
import type { DeviceFile } from './store-device.ts'
import type { LockMode, Release, StoreLocks } from './store-locks.ts'
import { NO_FILE } from './with-file.ts'

/** A file may be busy for as long as it takes to check 4 GiB of it. */
const BUSY_MS = 2 * MINUTE_MS
/** So often a file is looked at, and checked where it has changed, before it may be read. */
const LOOKS = 3

export interface AccessComponents extends CheckComponents {
  readonly locks: StoreLocks
  readonly clock: Clock
}

interface Reading extends Opened {
  readonly kept: KeptFile
  readonly data: DeviceFile
}

/** A file that is being written, alone. */
export interface Writing extends Opened {
  kept: KeptFile
  readonly records: RecordWriter
  /** Opens it at the first use. */
  readonly data: () => Promise<DeviceFile>
}

/** The way to the files of a store: who may look at one, and who may change it. */
export class FileAccess {
  readonly #own: AccessComponents
  readonly #readings: Lingering<Reading>
  readonly #writings: Lingering<Writing>

  constructor(components: AccessComponents) {
    this.#own = components
    this.#readings = new Lingering(components.clock)
    this.#writings = new Lingering(components.clock)
  }

  /** Runs `work` on what is known of a file, beside others who only look. */
  async looking<T>(file: ManifestFile, work: (kept: KeptFile) => Promise<T>): Promise<T> {
    const release = await this.lock(file.sha256, this.readMode)
    try {
      const kept = await lookAt(this.#own.device, file)
      if (kept) return await work(kept)
    } finally {
      release()
    }
    return this.changing(file, work)
  }

  /** Runs `work` on what is known of a file, alone; it is checked again before where it has changed. */
  async changing<T>(file: ManifestFile, work: (kept: KeptFile) => Promise<T>): Promise<T> {
    const release = await this.lock(file.sha256, 'exclusive')
    try {
      return await work((await lookAt(this.#own.device, file)) ?? (await checkAgain(this.#own, file)))
    } finally {
      release()
    }
  }

  /** Runs `work` on a file that stays open for a while, for who reads again and again. */
  async reading<T>(file: ManifestFile, work: (kept: KeptFile, data: DeviceFile) => Promise<T>): Promise<T> {
    const name = nameOf(file)
    // Whoever writes here has it open already, and would be waited for.
    if (this.#writings.isOpen(name))
      return this.#writings.use(
        name,
        (onWanted) => this.#openToWrite(file, onWanted),
        async ({ kept, data }) => work(kept, kept.map.count > 0 ? await data() : NO_FILE),
      )
    return this.#readings.use(
      name,
      (onWanted) => this.#openToRead(file, onWanted),
      ({ kept, data }) => work(kept, data),
    )
  }

  /** Runs `work` on a file that stays open for a while, for who writes again and again; one call at a time. */
  async writing<T>(file: ManifestFile, work: (writing: Writing) => Promise<T>): Promise<T> {
    const name = nameOf(file)
    this.#readings.leave(name)
    return this.#writings.use(
      name,
      (onWanted) => this.#openToWrite(file, onWanted),
      async (writing) => {
        const result = await work(writing)
        // There is no more to come.
        if (writing.kept.map.isComplete) this.#writings.leave(name)
        return result
      },
    )
  }

  async lock(
    name: string,
    mode: LockMode,
    { signal, onWanted }: { signal?: AbortSignal | undefined; onWanted?: () => void } = {},
  ): Promise<Release> {
    const { clock, locks } = this.#own
    const late = (): Error => new InfernetError('models.store-busy')
    let acquiring: Promise<Release> | undefined
    const acquire = (ending: AbortSignal): Promise<Release> =>
      (acquiring = locks.acquire(name, { mode, signal: ending, onWanted }))
    try {
      return await withDeadline(clock, millis(BUSY_MS), late, acquire, { signal })
    } catch (thrown) {
      // It may have been given in the moment of giving up.
      acquiring?.then((release) => release()).catch(() => undefined)
      throw thrown
    }
  }

  get readMode(): LockMode {
    return this.#own.device.sharesReads ? 'shared' : 'exclusive'
  }

  async #openToRead(file: ManifestFile, onWanted: () => void): Promise<Reading> {
    const { device } = this.#own
    for (let looks = 0; looks < LOOKS; looks++) {
      const release = await this.lock(file.sha256, this.readMode, { onWanted })
      try {
        const kept = await lookAt(device, file)
        if (kept) {
          const data = (await device.open(file.sha256, 'read')) ?? NO_FILE
          return { kept, data, close: () => data.close().finally(release) }
        }
      } catch (thrown) {
        release()
        throw thrown
      }
      release()
      await this.changing(file, () => Promise.resolve())
    }
    throw new InfernetError('models.store-busy')
  }

  async #openToWrite(file: ManifestFile, onWanted: () => void): Promise<Writing> {
    const { device } = this.#own
    const release = await this.lock(file.sha256, 'exclusive', { onWanted })
    try {
      const kept = (await lookAt(device, file)) ?? (await checkAgain(this.#own, file))
      const records = new RecordWriter(device, file)
      let opening: Promise<DeviceFile> | undefined
      const writing: Writing = {
        kept,
        records,
        data: () => (opening ??= device.open(file.sha256, 'write').then((data) => data ?? NO_FILE)),
        async close() {
          try {
            await (await opening)?.close()
            await records.saveAsClosed(writing.kept)
          } finally {
            await records.close().finally(release)
          }
        },
      }
      return writing
    } catch (thrown) {
      release()
      throw thrown
    }
  }
}

/** Two lists of pieces of one file are never open together. */
function nameOf(file: ManifestFile): string {
  return `${file.sha256} ${listOf(file)}`
}
