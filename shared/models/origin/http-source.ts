import { InfernetError } from '../../errors/infernet-error.ts'
import type { ByteSource } from '../byte-source.ts'
import { askOrigin, discard, faulty, type Answer, type HttpComponents } from './ask-origin.ts'
import type { ListedFile } from './origin.ts'
import { chunksOf, isPage } from './read-body.ts'

export interface HttpSourceInit {
  readonly urlOf: (path: string) => URL
  readonly token?: string | undefined
  /** What the origin said of a file; nothing longer is read. @default nothing is known */
  readonly listed?: (path: string) => ListedFile | undefined
  /** Names a refusal in the origin's own terms. @default `models.unavailable` with the status */
  readonly refusalOf?: (response: Response) => InfernetError | undefined
}

/**
 * Files over HTTP, read with `Range` so that a load goes on where it was cut off.
 *
 * What a file is (its `ETag`, its size) is remembered from its first answer and compared at each later one, so that two
 * halves are of one file. `If-Range` would say the same, but a browser asks the server's leave for that header first,
 * and storage behind a hub does not give it.
 */
export function createHttpSource(components: HttpComponents, init: HttpSourceInit): ByteSource {
  const known = new Map<string, Known>()
  return {
    async open(path, { offset, maxSkipBytes = Infinity, maxWaitMs, signal }) {
      const answer = await askOrigin(components, {
        url: init.urlOf(path),
        path,
        headers: offset > 0 ? { Range: `bytes=${offset}-` } : {},
        token: init.token,
        maxWaitMs,
        signal,
      })
      const { response } = answer
      try {
        const listed = init.listed?.(path)
        const body = bodyOf(init, answer, path)
        const start = startOf(response, offset)
        if (offset - start > maxSkipBytes) throw faulty(`it sends ${path} only from the beginning`)
        const seen = seenIn(answer, start)
        if (listed && seen.size !== undefined && seen.size !== listed.size)
          throw new InfernetError('origin.not-as-listed', { path })
        // Who reads from the beginning takes the file as it is now.
        const before = offset > 0 ? known.get(path) : undefined
        if (before && isOther(before, seen)) throw new InfernetError('origin.changed', { path })
        known.set(path, seen)
        return { offset: start, body: bounded(chunksOf(components.clock, body, signal), path, start, listed) }
      } catch (error) {
        await discard(response)
        throw error
      }
    },
  }
}

/** What tells whether two answers are of one file. */
interface Known {
  /** As the hub says it. */
  readonly linked: string | undefined
  /** As the server of the bytes says it. */
  readonly tag: string | undefined
  readonly size: number | undefined
}

function bodyOf(init: HttpSourceInit, { response }: Answer, path: string): ReadableStream<Uint8Array> {
  const { status, ok, body } = response
  // The file ends before the place from which we asked.
  if (status === 416 && init.listed?.(path)) throw new InfernetError('origin.not-as-listed', { path })
  if (!ok || !body)
    throw init.refusalOf?.(response) ?? new InfernetError('models.unavailable', { path, status })
  if (isPage(response)) throw faulty(`it sends a web page in place of ${path}`)
  return body
}

const CONTENT_RANGE = /^bytes (\d+)-\d+\/(\d+|\*)$/

/** Where the body begins. Not every server shows a page the header; one that answers 206 did as it was asked then. */
function startOf({ status, headers }: Response, offset: number): number {
  if (status !== 206) return 0
  const start = CONTENT_RANGE.exec(headers.get('content-range') ?? '')?.[1]
  if (start !== undefined && Number(start) !== offset)
    throw faulty('it sends another part than it was asked for')
  return offset
}

function seenIn({ response, sentOnBy }: Answer, start: number): Known {
  const { headers, status } = response
  const linked = sentOnBy?.get('x-linked-etag') ?? undefined
  // What is packed for the way has another tag and another length there than its parts, which never are.
  const isPlain = (headers.get('content-encoding') ?? 'identity') === 'identity'
  const told = headers.get('etag') ?? undefined
  const tag = isPlain && !told?.startsWith('W/') ? told : undefined
  const total = CONTENT_RANGE.exec(headers.get('content-range') ?? '')?.[2]
  const length = headers.get('content-length')
  if (status === 206) return { linked, tag, size: total && total !== '*' ? Number(total) : undefined }
  return { linked, tag, size: length !== null && isPlain ? Number(length) + start : undefined }
}

/** What one of them does not tell says nothing. */
function isOther(before: Known, now: Known): boolean {
  const differ = (a: unknown, b: unknown): boolean => a !== undefined && b !== undefined && a !== b
  return (['linked', 'tag', 'size'] as const).some((key) => differ(before[key], now[key]))
}

async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  start: number,
  listed: ListedFile | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let end = start
  for await (const chunk of chunks) {
    end += chunk.length
    if (listed && end > listed.size) throw new InfernetError('origin.not-as-listed', { path })
    yield chunk
  }
}
