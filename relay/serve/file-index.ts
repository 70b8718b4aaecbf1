import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SECOND_MS } from '#shared/base/units.ts'
import { isCompressible, mediaType } from './media-types.ts'

/** A content coding that browsers take, best first. */
export type Coding = 'br' | 'gzip'

export interface ServedFile {
  /** Below the folder, with `/` between. */
  readonly path: string
  readonly absolute: string
  readonly size: number
  readonly modifiedMs: number
  readonly type: string
  readonly isCompressible: boolean
  /** Smaller copies by coding, absolute paths. */
  readonly encoded: Map<Coding, { readonly absolute: string; readonly size: number }>
  /** SHA-256 as hex. Read from the file once. */
  readonly sha256: () => Promise<string>
}

/** A folder with more files than this is the wrong folder. */
const MAX_FILES = 20_000
/** A miss looks at the disk again, but a flood of misses does not. */
const RESCAN_MS = SECOND_MS

export interface FileIndexInit {
  /** Paths that are left out. */
  readonly skip?: readonly string[]
  /** Asked at each look: the folders right below that are served, and nothing else. @default all */
  readonly only?: () => ReadonlySet<string>
}

/**
 * The files of a folder by their URL path.
 *
 * A request is only ever looked up in this table, so no path a client writes reaches the disk: there is nothing to
 * traverse. Hidden files and links are left out.
 */
export class FileIndex {
  readonly #folder: string
  readonly #skip: readonly string[]
  readonly #only: (() => ReadonlySet<string>) | undefined
  #files = new Map<string, ServedFile>()
  #scannedAt = Number.NEGATIVE_INFINITY
  #scanning: Promise<void> | undefined

  constructor(folder: string, { skip = [], only }: FileIndexInit = {}) {
    this.#folder = folder
    this.#skip = skip
    this.#only = only
  }

  get files(): readonly ServedFile[] {
    return [...this.#files.values()]
  }

  /**
   * The file as it lies there now, or undefined. One that changed or went is known at once, and one that came within a
   * second.
   */
  async find(path: string): Promise<ServedFile | undefined> {
    const known = this.#files.get(path)
    if (known && isSame(known, await statOf(known.absolute))) return known
    await this.current() // a look that is going on may find it, too
    return this.#refresh(path)
  }

  /** As they lie there now, or did a second ago. */
  async current(): Promise<readonly ServedFile[]> {
    if (this.#scanning || performance.now() - this.#scannedAt >= RESCAN_MS) await this.scan()
    return this.files
  }

  /** Looks through the folder. A folder that is not there has no files. */
  async scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => (this.#scanning = undefined))
    await this.#scanning
  }

  /**
   * What was looked at may be older than the file: a length or a hash of other bytes must not go out with it. Where one
   * file changed others may have come, so the next miss may look again.
   */
  async #refresh(path: string): Promise<ServedFile | undefined> {
    const known = this.#files.get(path)
    if (!known) return undefined
    const now = await statOf(known.absolute)
    if (isSame(known, now)) return known
    this.#scannedAt = Number.NEGATIVE_INFINITY
    if (!now?.isFile()) return undefined
    const changed = servedFile(path, known.absolute, now.size, now.mtimeMs)
    this.#files.set(path, changed)
    return changed
  }

  async #scan(): Promise<void> {
    this.#scannedAt = performance.now()
    const found = new Map<string, ServedFile>()
    await this.#walk('', found)
    for (const file of found.values()) linkEncoded(file, found)
    this.#files = found
  }

  async #walk(below: string, found: Map<string, ServedFile>): Promise<void> {
    const entries = await readdir(join(this.#folder, below), { withFileTypes: true }).catch(() => [])
    const only = below === '' ? this.#only?.() : undefined
    for (const entry of entries) {
      if (only && !(entry.isDirectory() && only.has(entry.name))) continue
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.name.startsWith('.') || this.#skip.includes(path) || found.size >= MAX_FILES) continue
      if (entry.isDirectory()) await this.#walk(path, found)
      else if (entry.isFile()) await this.#add(path, found)
    }
  }

  async #add(path: string, found: Map<string, ServedFile>): Promise<void> {
    const absolute = join(this.#folder, path)
    const now = await statOf(absolute)
    if (!now?.isFile()) return
    const before = this.#files.get(path)
    found.set(
      path,
      before && isSame(before, now) ? before : servedFile(path, absolute, now.size, now.mtimeMs),
    )
  }
}

function servedFile(path: string, absolute: string, size: number, modifiedMs: number): ServedFile {
  let digest: Promise<string> | undefined
  const sha256 = (): Promise<string> => {
    digest ??= hashFile(absolute).catch((thrown: unknown) => {
      digest = undefined
      throw thrown
    })
    return digest
  }
  const type = mediaType(path)
  return {
    path,
    absolute,
    size,
    modifiedMs,
    type,
    isCompressible: isCompressible(path),
    encoded: new Map(),
    sha256,
  }
}

/** In steps of 1 MiB, 2 ms each, so that a large model does not hold up the event loop. */
async function hashFile(absolute: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(absolute, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Of the entry itself, so that a link that took a file's place is not followed. Undefined where there is none. */
async function statOf(absolute: string): Promise<Stats | undefined> {
  return lstat(absolute).catch(() => undefined)
}

function isSame({ size, modifiedMs }: ServedFile, now: Stats | undefined): boolean {
  return now?.isFile() === true && now.size === size && now.mtimeMs === modifiedMs
}

/** Copies that a build left beside the file, not older than it. */
function linkEncoded(file: ServedFile, found: ReadonlyMap<string, ServedFile>): void {
  for (const [coding, ending] of [
    ['br', '.br'],
    ['gzip', '.gz'],
  ] as const) {
    const copy = found.get(`${file.path}${ending}`)
    if (copy && copy.modifiedMs >= file.modifiedMs)
      file.encoded.set(coding, { absolute: copy.absolute, size: copy.size })
  }
}
