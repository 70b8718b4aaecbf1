import type { IncomingMessage } from 'node:http'

/**
 * True for a page that this relay served, and for a program that is no browser: browsers say where a script is from, and
 * a script cannot change that.
 *
 * The browser's own word comes first, since it knows the address that the page has; the `Host` that arrives may be what a
 * proxy made of it. Browsers say it on pages from https and from localhost. Then the announced addresses, then `Host`.
 */
export function isFromOurPage(
  { headers }: Pick<IncomingMessage, 'headers'>,
  isAnnouncedOrigin: (origin: string) => boolean,
): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = headers
  if (origin === undefined) return true
  if (!URL.canParse(origin)) return false
  // The scheme is left out: behind a proxy the relay may not know that the page came over https.
  return isAnnouncedOrigin(new URL(origin).origin) || new URL(origin).host === hostOf(origin, host)
}

/** The Host header the way an origin of that scheme writes it: without the scheme's own port. */
function hostOf(origin: string, host: string | undefined): string | undefined {
  const url = `${new URL(origin).protocol}//${host ?? ''}`
  return URL.canParse(url) ? new URL(url).host : undefined
}
