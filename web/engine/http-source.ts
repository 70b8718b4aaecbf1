import { platformClock } from '#shared/base/platform-clock.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'

/**
 * The files below a URL, over the browser's own fetch. What reads them comes with the first file, not with the page.
 *
 * @param token sent to the origin of `baseUrl` alone
 */
export function createHttpSource(baseUrl: string, token?: string): ByteSource {
  let source: ByteSource | undefined
  return {
    async open(path, options) {
      const { sourceOf } = await import('#shared/models/origin/source-of.ts')
      source ??= sourceOf(
        { fetch: (...request) => fetch(...request), clock: platformClock(globalThis), hidesRedirects: true },
        { kind: 'folder', url: baseUrl },
        { token },
      )
      return source.open(path, options)
    },
  }
}
