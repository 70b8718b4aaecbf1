import type { IncomingMessage } from 'node:http'
import type { PlaceFinder } from './place.ts'

/**
 * Who posts: a page that this relay served or a program that is no browser (`ours`), a page of another site, or a page
 * under a name that may be a stranger's, who had it resolve to this machine (DNS rebinding).
 */
export type Poster = 'ours' | 'other-site' | 'unknown-name'

/**
 * Who posts, as browsers say it: they name where a script is from, and a script cannot change that.
 *
 * The browser's own word comes first, since it knows the address that the page has; the `Host` that arrives may be what a
 * proxy made of it. Browsers say it on pages from https and from localhost. Then the announced addresses, then `Host`.
 *
 * That page and request name the same host proves nothing by itself: a stranger's name can be made to lead here after its
 * page was loaded. It cannot over https, where the certificate is not the stranger's, and not for an address or for a name
 * that nobody can buy.
 */
export function posterOf(
  { headers }: Pick<IncomingMessage, 'headers'>,
  places: Pick<PlaceFinder, 'isAnnouncedOrigin' | 'isAnnounced' | 'isOwnName'>,
): Poster {
  const { origin, host, 'sec-fetch-site': site } = headers
  if (site !== undefined && site !== 'same-origin') return 'other-site'
  if (origin === undefined) return 'ours'
  if (!URL.canParse(origin)) return 'other-site'
  const page = new URL(origin)
  if (places.isAnnouncedOrigin(page.origin)) return 'ours'
  // The scheme is left out: behind a proxy the relay may not know that the page came over https.
  if (site === undefined && page.host !== hostOf(origin, host)) return 'other-site'
  const isCertified = page.protocol === 'https:' && (site !== undefined || !places.isAnnounced)
  return isCertified || places.isOwnName(page.hostname) ? 'ours' : 'unknown-name'
}

/** The Host header the way an origin of that scheme writes it: without the scheme's own port. */
function hostOf(origin: string, host: string | undefined): string | undefined {
  const url = `${new URL(origin).protocol}//${host ?? ''}`
  return URL.canParse(url) ? new URL(url).host : undefined
}
