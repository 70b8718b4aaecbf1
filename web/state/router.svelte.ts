export const PAGES = ['/', '/provide', '/network'] as const
export type PagePath = (typeof PAGES)[number]

/** Where the visitor is, kept in step with the address bar. */
export class Router {
  readonly #window: Window
  #page = $state<PagePath>('/')

  constructor(window: Window) {
    this.#window = window
    this.#page = pageOf(window.location.pathname)
    window.addEventListener('popstate', () => {
      this.#page = pageOf(window.location.pathname)
    })
  }

  get page(): PagePath {
    return this.#page
  }

  /** The parameters after `?`, read once by the page that knows them. */
  get query(): URLSearchParams {
    return new URLSearchParams(this.#window.location.search)
  }

  go(href: string): void {
    const url = new URL(href, this.#window.location.href)
    if (url.href !== this.#window.location.href) this.#window.history.pushState(undefined, '', url)
    this.#page = pageOf(url.pathname)
    this.#window.scrollTo(0, 0)
  }

  /** Takes a click on one of our links; leaves every other click, new tabs included, to the browser. */
  onClick(event: MouseEvent): boolean {
    if (event.defaultPrevented || event.button !== 0) return false
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return false
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || link.target || link.hasAttribute('download')) return false
    const url = new URL(link.href, this.#window.location.href)
    if (url.origin !== this.#window.location.origin || !isPage(url.pathname)) return false
    if (url.pathname === this.#window.location.pathname && url.hash) return false
    event.preventDefault()
    this.go(url.href)
    return true
  }
}

/** An unknown path shows the first page, as the server answers it. */
export function pageOf(pathname: string): PagePath {
  const path = pathname.length > 1 ? pathname.replace(/\/+$/, '') : pathname
  return isPage(path) ? path : '/'
}

function isPage(path: string): path is PagePath {
  return (PAGES as readonly string[]).includes(path)
}
