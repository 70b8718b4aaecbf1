import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { Session } from '../session/session.svelte.ts'
import { LendWanted } from './lend-wanted.svelte.ts'
import { watchPageIdle } from './page-idle.ts'
import type { Provide } from './provide.svelte.ts'
import type { ProvideServices } from './services.ts'

/** The whole state of a page, as far as this needs it. */
interface PageState {
  readonly provide: Provide
  readonly session: Session
  readonly ask: { readonly busy: boolean }
  readonly consent: { isGiven(choice: ModelChoice): boolean }
  readonly services: ProvideServices
}

const opened = new WeakMap<PageState, LendWanted>()

/** The mode *lend what is wanted* of this page, one for each. */
export function lendWantedOf(page: PageState): LendWanted {
  const known = opened.get(page)
  if (known) return known
  const { provide, session, ask, consent, services } = page
  const components = {
    services,
    random: { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) },
    idle: watchPageIdle(window, services.clock),
    mayLoad: (choice: ModelChoice) => consent.isGiven(choice),
    isAsking: () => ask.busy,
  }
  const lendWanted = new LendWanted(components, provide, session)
  opened.set(page, lendWanted)
  return lendWanted
}
