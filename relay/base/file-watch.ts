import { statSync } from 'node:fs'
import { SECOND_MS } from '#shared/base/units.ts'

/** How often a file is looked at; SIGHUP has it read at once. */
const LOOK_MS = 2 * SECOND_MS

/** Calls back when a file that an operator may change has another stamp than before. An empty path is no file. */
export class FileWatch {
  readonly #path: string
  readonly #onChange: () => void
  readonly #timer: NodeJS.Timeout | undefined
  #seen: string

  constructor(path: string, onChange: () => void) {
    this.#path = path
    this.#onChange = onChange
    this.#seen = this.#stamp()
    this.#timer = path === '' ? undefined : setInterval(() => this.#look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const stamp = this.#stamp()
    if (stamp === this.#seen) return
    this.#seen = stamp
    this.#onChange()
  }

  #stamp(): string {
    const found = this.#path === '' ? undefined : statSync(this.#path, { throwIfNoEntry: false })
    return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : ''
  }
}
