import type { PagePath } from '#shared/base/page-paths.ts'
import { ourPage, pageOf, parametersOf } from './address.ts'

/** Where the visitor is, kept in step with the address bar. */
export class Router {
  readonly #window: Window
  #page = $state<PagePath>('/')
  #search = $state('')

  constructor(window: Window) {
    this.#window = window
    this.#read(window.location)
    window.addEventListener('popstate', () => this.#read(window.location))
  }

  get page(): PagePath {
    return this.#page
  }

  /** The parameters after `?`. */
  get query(): URLSearchParams {
    return parametersOf({ search: this.#search })
  }

  /** Takes a click on one of our links; leaves every other click, new tabs included, to the browser. */
  onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || link.target || link.hasAttribute('download')) return
    const url = ourPage(link.href, this.#window.location)
    if (!url) return
    event.preventDefault()
    this.#go(url)
  }

  /** What was asked for by these parameters is done: a reload does not do it again. Others stay. */
  forget(...names: readonly string[]): void {
    const { location, history } = this.#window
    const all = location.search.slice(1).split('&')
    const kept = all.filter((each) => !names.includes(each.split('=', 1)[0] ?? ''))
    if (kept.length === all.length) return
    const query = kept.length > 0 ? `?${kept.join('&')}` : ''
    history.replaceState(history.state, '', `${location.pathname}${query}${location.hash}`)
    this.#search = query
  }

  /** As a click on a link of ours. */
  goTo(href: string): void {
    const url = ourPage(href, this.#window.location)
    if (url) this.#go(url)
  }

  #go(url: URL): void {
    const { location, history } = this.#window
    if (url.href !== location.href) history.pushState(undefined, '', url)
    this.#read(url)
    this.#window.scrollTo(0, 0)
  }

  #read({ pathname, search }: Pick<Location, 'pathname' | 'search'>): void {
    this.#page = pageOf(pathname)
    this.#search = search
  }
}
