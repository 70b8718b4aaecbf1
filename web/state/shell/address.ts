import { PAGE_PATHS, type PagePath } from '#shared/base/page-paths.ts'

/** An unknown path shows the first page, as the server answers it. A proxy may put all pages into a folder. */
export function pageOf(pathname: string): PagePath {
  const name = pathname.replace(/\/+$/, '').split('/').at(-1) ?? ''
  return isPage(`/${name}`) ? (`/${name}` as PagePath) : '/'
}

/** Where a link leads when it is one of our pages; undefined leaves it to the browser. */
export function ourPage(href: string, from: Location): URL | undefined {
  const url = new URL(href, from.href)
  const folder = folderOf(from.pathname)
  if (url.origin !== from.origin || folderOf(url.pathname) !== folder) return undefined
  if (!isPage(`/${url.pathname.slice(folder.length)}`)) return undefined
  return url.pathname === from.pathname && url.hash ? undefined : url
}

/** The full address of what stands beside the page: `/rpc` is in the folder that a proxy put all of it into. */
export function underPage(path: string, page = document.baseURI): string {
  return new URL(path.replace(/^\//, './'), page).href
}

/** The relay that served the page, as it can be dialled from there. */
export function relayAddressOf(page: string, peerId: string): string {
  const { protocol, hostname, port, pathname } = new URL(page)
  const isSecure = protocol === 'https:'
  const bare = hostname.replace(/^\[|\]$/g, '')
  // Plain `localhost` may mean ::1 first, where a relay on all IPv4 addresses does not listen; a certificate names it.
  const host = bare === 'localhost' && !isSecure ? '127.0.0.1' : bare
  const kind = host.includes(':') ? 'ip6' : /^[\d.]+$/.test(host) ? 'ip4' : 'dns'
  const folder = folderOf(pathname).slice(1)
  const path = folder === '' ? '' : `/http-path/${encodeURIComponent(`${folder}relay`)}`
  const at = `/${kind}/${host}/tcp/${port || (isSecure ? 443 : 80)}`
  return `${at}${isSecure ? '/tls' : ''}/ws${path}/p2p/${peerId}`
}

function folderOf(pathname: string): string {
  return pathname.slice(0, pathname.lastIndexOf('/') + 1)
}

export function parametersOf(location: Pick<Location, 'search'>): URLSearchParams {
  return new URLSearchParams(location.search)
}

function isPage(path: string): path is PagePath {
  return (PAGE_PATHS as readonly string[]).includes(path)
}
