import type { IncomingMessage } from 'node:http'

/**
 * True for a page that this relay served, and for a program that is no browser: browsers say where a script is from, and
 * a script cannot change that.
 */
export function isSameOrigin({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  const { origin, host } = headers
  if (origin === undefined) return true
  // The scheme is left out: behind a proxy the relay may not know that the page came over https.
  return URL.canParse(origin) && new URL(origin).host === hostOf(origin, host)
}

/** The Host header the way an origin of that scheme writes it: without the scheme's own port. */
function hostOf(origin: string, host: string | undefined): string | undefined {
  const url = `${new URL(origin).protocol}//${host ?? ''}`
  return URL.canParse(url) ? new URL(url).host : undefined
}
