import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import { KIB, MIB } from '#shared/base/units.ts'
import type { Coding, FileIndex, ServedFile } from './file-index.ts'

/** Below this the headers weigh more than what is saved. */
const MIN_BYTES = KIB
/** zlib compresses on its own threads. The best quality takes 1 s a MiB there, so large files get a middle one. */
const BEST_QUALITY_BYTES = MIB
const ENDINGS = { br: 'br', gzip: 'gz' } as const satisfies Record<Coding, string>

/**
 * Makes compressed copies of what a build left uncompressed, in a cache named by content, one file after the other.
 * The 26 MB of onnxruntime's WebAssembly become 5 MB. Copies of files that are gone are removed.
 */
export async function encodeFiles(
  index: FileIndex,
  cacheFolder: string,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  await mkdir(cacheFolder, { recursive: true })
  const wanted = new Set<string>()
  for (const file of index.files) {
    if (!file.isCompressible || file.size < MIN_BYTES) continue
    for (const coding of ['br', 'gzip'] as const) {
      signal.throwIfAborted()
      if (!file.encoded.has(coding)) wanted.add(await encodeOne(file, coding, cacheFolder, signal))
    }
  }
  for (const name of await readdir(cacheFolder))
    if (!wanted.has(name)) await rm(join(cacheFolder, name), { force: true })
}

async function encodeOne(
  file: ServedFile,
  coding: Coding,
  cacheFolder: string,
  signal: AbortSignal,
): Promise<string> {
  const name = `${await file.sha256()}.${ENDINGS[coding]}`
  const absolute = join(cacheFolder, name)
  const known = await stat(absolute).catch(() => undefined)
  if (!known) {
    const draft = `${absolute}.${process.pid}`
    try {
      await pipeline(createReadStream(file.absolute), encoder(coding, file.size), createWriteStream(draft), {
        signal,
      })
      await rename(draft, absolute)
    } finally {
      await rm(draft, { force: true })
    }
  }
  const { size } = known ?? (await stat(absolute))
  // A file that was replaced meanwhile has another entry in the index; this one is then simply not used.
  if (size < file.size) file.encoded.set(coding, { absolute, size })
  return name
}

function encoder(
  coding: Coding,
  size: number,
): ReturnType<typeof createBrotliCompress> | ReturnType<typeof createGzip> {
  if (coding === 'gzip') return createGzip({ level: 6 })
  return createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: size <= BEST_QUALITY_BYTES ? 9 : 5,
      [constants.BROTLI_PARAM_SIZE_HINT]: size,
      [constants.BROTLI_PARAM_LGWIN]: 22,
    },
  })
}
