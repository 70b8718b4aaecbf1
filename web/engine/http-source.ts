import { platformClock } from '#shared/base/platform-clock.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'
import type { HubRequest } from '#shared/models/origin/hub-refusal.ts'

/**
 * The files below a URL, over the browser's own fetch. What reads them comes with the first file, not with the page.
 *
 * @param hub given where it is a hub's: its refusals are told as such, and the token goes to the origin of `baseUrl` alone
 */
export function createHttpSource(baseUrl: string, hub?: HubRequest): ByteSource {
  let source: ByteSource | undefined
  return {
    async open(path, options) {
      const { sourceOf } = await import('#shared/models/origin/source-of.ts')
      const refuse = hub && (await import('#shared/models/origin/hub-refusal.ts')).hubRefusal
      source ??= sourceOf(
        { fetch: (...request) => fetch(...request), clock: platformClock(globalThis), hidesRedirects: true },
        { kind: 'folder', url: baseUrl },
        { token: hub?.token, refusalOf: (response) => hub && refuse?.(response, hub) },
      )
      return source.open(path, options)
    },
  }
}
