import { existsSync, readFileSync } from 'node:fs'

const FILE = '/proc/stat'
/** Above this share of all processors a row says more of this machine than of its links. */
const BUSY = 0.8

/** What all processors did, since a moment. */
export class ProcessorWatch {
  readonly #before = readTimes()

  /** The share of their time in which they worked, whoever it was for; undefined where no file tells it. */
  get busy(): number | undefined {
    return busyBetween(this.#before, readTimes())
  }
}

/** Whether a row must be marked. */
export function isTooBusy(busy: number | undefined): boolean {
  return busy !== undefined && busy > BUSY
}

/**
 * From two readings of the kernel's file: the fourth and fifth column are time without work. What a hypervisor took
 * away (the eighth) was wanted, so it counts as work.
 */
export function busyBetween(before: string | undefined, after: string | undefined): number | undefined {
  const [from, to] = [timesOf(before), timesOf(after)]
  if (!from || !to) return undefined
  const spent = to.map((ticks, i) => ticks - (from[i] ?? 0))
  const all = spent.reduce((sum, ticks) => sum + ticks, 0)
  return all > 0 ? 1 - ((spent[3] ?? 0) + (spent[4] ?? 0)) / all : undefined
}

/** The first eight columns: guests' time, after them, is in them already. */
function timesOf(text: string | undefined): readonly number[] | undefined {
  return /^cpu +([\d ]+)/
    .exec(text ?? '')?.[1]
    ?.split(' ')
    .slice(0, 8)
    .map(Number)
}

function readTimes(): string | undefined {
  return existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined
}
