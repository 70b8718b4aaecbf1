import type { Failure } from '../ui/steps.ts'

export const RELOAD = 'Reload the page to get the newest version.'

/**
 * Said by the page's frame itself, and apart from the words for all other codes: those come with the pages, and a page
 * that is too old may find none of them any more.
 */
export const OUTDATED = {
  code: 'mesh.outdated',
  message: 'The network speaks a newer version than this page.',
  fix: RELOAD,
} as const satisfies Failure
