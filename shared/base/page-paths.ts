/** The addresses that the page's own router draws; a relay answers each with the page. */
export const PAGE_PATHS = ['/', '/provide', '/models', '/network', '/wallet', '/provider'] as const
export type PagePath = (typeof PAGE_PATHS)[number]
