import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { systemReason } from './system-reason.ts'

/** SQLite's codes: somebody else has it; it is no database (somebody wrote into it). */
const BUSY = 5
const NOT_A_DATABASE = 26

/** Locks that stand: one that nobody refers to would be closed with the rubbish, and the lock would be gone. */
const standing = new Set<DatabaseSync>()

/** Who uses a folder. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** Where it can be reached, once it is up. */
  readonly url?: string | undefined
}

export type FolderHold =
  | {
      readonly type: 'held'
      /** Says where the holder is, for who comes second. */
      readonly tell: (url: string) => void
      readonly release: () => void
    }
  /** `by` is undefined while the first one has not yet said who it is. */
  | { readonly type: 'taken'; readonly by: Holder | undefined }
  /** The folder cannot be written, or its disk knows no locks. */
  | { readonly type: 'failed'; readonly reason: string }

/**
 * Takes a folder for this process alone. The lock is the kernel's, so it ends with the process however that ends, and a
 * process id that was given to another program means nothing; Node has no `flock`, but SQLite takes one.
 */
export function holdFolder(folder: string): FolderHold {
  const file = join(folder, 'in-use.json')
  const tell = (url?: string): void => {
    const holder: Holder = { pid: process.pid, host: hostname(), ...(url === undefined ? {} : { url }) }
    writeFileSync(`${file}.draft`, JSON.stringify(holder))
    renameSync(`${file}.draft`, file)
  }
  let lock: DatabaseSync | undefined
  try {
    lock = takeLock(join(folder, 'in-use.lock'))
    tell()
    const held = lock
    standing.add(held)
    const release = (): void => {
      if (standing.delete(held)) held.close()
    }
    return { type: 'held', tell, release }
  } catch (thrown) {
    lock?.close()
    if (codeOf(thrown) === BUSY) return { type: 'taken', by: readHolder(file) }
    return { type: 'failed', reason: systemReason(thrown) }
  }
}

/** A holder in words: `process 12 at http://127.0.0.1:4630/`. */
export function holderWords(by: Holder | undefined): string {
  if (!by) return 'another process'
  const host = by.host === hostname() ? '' : ` on ${by.host}`
  return `process ${by.pid}${host}${by.url === undefined ? ', which is still starting' : ` at ${by.url}`}`
}

function takeLock(file: string): DatabaseSync {
  const open = (): DatabaseSync => {
    const database = new DatabaseSync(file, { timeout: 0 })
    try {
      // Nothing is ever written: the file stays empty, and only its lock counts.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      return database
    } catch (thrown) {
      database.close()
      throw thrown
    }
  }
  try {
    return open()
  } catch (thrown) {
    if (codeOf(thrown) !== NOT_A_DATABASE) throw thrown
    writeFileSync(file, '') // in place: who holds it holds this very file
    return open()
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'errcode' in thrown ? thrown.errcode : undefined
}

function readHolder(file: string): Holder | undefined {
  try {
    const { pid, host, url } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined
    return { pid, host, ...(typeof url === 'string' ? { url } : {}) }
  } catch {
    return undefined
  }
}
