import { PAGE_PATHS, type PagePath } from '#shared/base/page-paths.ts'

/** An unknown path shows the first page, as the server answers it. */
export function pageOf(pathname: string): PagePath {
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') : pathname
  return isPage(path) ? path : '/'
}

/** Where a link leads when it is one of our pages; undefined leaves it to the browser. */
export function ourPage(href: string, from: Location): URL | undefined {
  const url = new URL(href, from.href)
  if (url.origin !== from.origin || !isPage(url.pathname)) return undefined
  return url.pathname === from.pathname && url.hash ? undefined : url
}

export function parametersOf(location: Location): URLSearchParams {
  return new URLSearchParams(location.search)
}

function isPage(path: string): path is PagePath {
  return (PAGE_PATHS as readonly string[]).includes(path)
}
