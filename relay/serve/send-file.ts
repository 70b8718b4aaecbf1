import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import type { Coding, ServedFile } from './file-index.ts'
import { parseRange } from './parse-range.ts'
import { respond } from './respond.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

const ONE_YEAR_SECONDS = 31_536_000
/** For addresses that name their content: the bytes behind them never change. */
export const IMMUTABLE = `public, max-age=${ONE_YEAR_SECONDS}, immutable`
/** Kept, but asked about each time: an answer is then 304 without the bytes. */
export const REVALIDATE = 'no-cache'

/** Sends a file: whole, a range of it, or word that the client's copy is good. The ETag is strong, by content. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  cacheControl: string,
): Promise<void> {
  const sha256 = await file.sha256()
  // Ranges are of the file itself, so a resumed download never mixes with a compressed one.
  const coding =
    request.headers.range === undefined ? chooseCoding(request.headers['accept-encoding'], file) : undefined
  const copy = coding && file.encoded.get(coding)
  const etag = `"${sha256}${coding ? `-${coding}` : ''}"`
  const headers: Record<string, string | number> = {
    ...SECURITY_HEADERS,
    'Content-Type': file.type,
    'Cache-Control': cacheControl,
    ETag: etag,
    'Accept-Ranges': 'bytes',
    ...(file.isCompressible ? { Vary: 'Accept-Encoding' } : {}),
    ...(coding ? { 'Content-Encoding': coding } : {}),
  }
  if (matches(request.headers['if-none-match'], etag)) return void response.writeHead(304, headers).end()
  const size = copy?.size ?? file.size
  const range = rangeOf(request, etag, size)
  if (range === 'unsatisfiable')
    return respond(request, response, {
      status: 416,
      body: 'Range Not Satisfiable\n',
      headers: { 'Content-Range': `bytes */${size}` },
    })
  const [start, end] = range ?? [0, size - 1]
  if (range) headers['Content-Range'] = `bytes ${start}-${end}/${size}`
  response.writeHead(range ? 206 : 200, { ...headers, 'Content-Length': end - start + 1 })
  if (request.method === 'HEAD' || size === 0) return void response.end()
  stream(copy?.absolute ?? file.absolute, start, end, response)
}

/** A file that ends early, or a reader that goes, cuts the connection: a short body must not look whole. */
function stream(absolute: string, start: number, end: number, response: ServerResponse): void {
  // Who asked went while the file was read for its hash. `pipeline` would throw, and leave the file open for good.
  if (response.destroyed) return
  pipeline(createReadStream(absolute, { start, end, highWaterMark: 1 << 18 }), response, (thrown) => {
    if (thrown) response.destroy()
  })
}

function rangeOf({ headers }: IncomingMessage, etag: string, size: number): ReturnType<typeof parseRange> {
  const ifRange = headers['if-range']
  if (typeof ifRange === 'string' && ifRange !== etag) return undefined // of another version: send it whole
  return parseRange(headers.range, size)
}

/** Whether what the client has is this. */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etag)
}

function chooseCoding(accepted: string | string[] | undefined, { encoded }: ServedFile): Coding | undefined {
  if (encoded.size === 0) return undefined
  const offers = String(accepted ?? '')
    .split(',')
    .map((part) => part.trim().toLowerCase())
  const takes = (coding: Coding): boolean =>
    offers.some((offer) => offer.split(';')[0] === coding && !/;\s*q=0(\.0*)?$/.test(offer))
  return (['br', 'gzip'] as const).find((coding) => encoded.has(coding) && takes(coding))
}
