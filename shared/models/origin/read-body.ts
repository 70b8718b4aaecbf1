import type { Clock } from '../../base/clock.ts'
import { concatBytes } from '../../base/bytes.ts'
import { SECOND_MS } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { discard, faulty } from './ask-origin.ts'
import { SILENCE_MS } from './limits.ts'

/**
 * The bytes of a body as they come. Leaving early cancels the download. (Safari has no async iterator on streams.)
 *
 * @throws InfernetError `origin.silent`, the signal's reason, or what the platform throws when the connection breaks
 */
export async function* chunksOf(
  clock: Clock,
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader()
  const silent = (): Error => new InfernetError('origin.silent', { seconds: SILENCE_MS / SECOND_MS })
  let over = false
  try {
    for (;;) {
      const { done, value } = await withDeadline(clock, SILENCE_MS, silent, () => reader.read(), { signal })
      over = done
      if (done) return
      yield value
    }
  } finally {
    // Not waited for: a body that is stuck may never confirm it.
    if (!over) void reader.cancel().catch(() => undefined)
  }
}

/** A JSON body of at most `maxBytes`. @throws InfernetError `origin.faulty`, and as {@link chunksOf} */
export async function readJsonBody(
  clock: Clock,
  response: Response,
  { what, maxBytes, signal }: { what: string; maxBytes: number; signal?: AbortSignal | undefined },
): Promise<unknown> {
  if (isPage(response)) {
    await discard(response)
    throw faulty(`it sends a web page in place of ${what}`)
  }
  const parts: Uint8Array[] = []
  let length = 0
  try {
    if (response.body)
      for await (const chunk of chunksOf(clock, response.body, signal)) {
        length += chunk.length
        if (length > maxBytes) throw faulty(`${what} is larger than ${maxBytes} bytes`)
        parts.push(chunk)
      }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof InfernetError) throw cause
    throw new InfernetError('models.unavailable', { status: 'cut off' }, { cause })
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(concatBytes(...parts)))
  } catch (cause) {
    throw new InfernetError('origin.faulty', { reason: `${what} cannot be read` }, { cause })
  }
}

/** A server that serves a page for every unknown path answers 200 and HTML where there is no file. */
export function isPage({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/html') ?? false
}
