import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'

/** The files below a URL, read with `Range` so that a load goes on where it was cut off. */
export function createHttpSource(baseUrl: string): ByteSource {
  return {
    async open(path, { offset, signal }) {
      const response = await request(new URL(path, baseUrl), path, offset, signal)
      // A server that serves the page for every unknown path answers 200 and HTML where there is no model.
      const isPage = response.headers.get('content-type')?.startsWith('text/html')
      if (!response.ok || !response.body || isPage) {
        await response.body?.cancel()
        throw new InfernetError('models.unavailable', { path, status: isPage ? 404 : response.status })
      }
      return { offset: response.status === 206 ? offset : 0, body: chunksOf(response.body) }
    },
  }
}

async function request(
  url: URL,
  path: string,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: offset > 0 ? { Range: `bytes=${offset}-` } : {},
      // What is right is kept by the model cache; a second copy, perhaps a broken one, would only be in the way.
      cache: 'no-store',
      ...(signal ? { signal } : {}),
    })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new InfernetError('models.unavailable', { path, status: 'no answer' }, { cause })
  }
}

/** Safari has no async iterator on streams. Leaving early cancels the download. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader()
  let over = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      over = done
      if (done) return
      yield value
    }
  } finally {
    if (!over) await reader.cancel().catch(() => undefined)
  }
}
