import { TEST_DEPOSIT, type PaymentStep } from '../../state/money/payment-desk.svelte.ts'
import { SECOND_MS } from '#shared/base/units.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import { SILENT_PROVIDER_MS } from '#shared/peer/connect-limits.ts'
import type { Session } from '../../state/session/session.svelte.ts'
import { formatSpan, providersInWords, plural } from '../../ui/format.ts'
import { plainMoney } from '../../ui/money.ts'
import { failureOf } from '../words.ts'
import type { Step } from '../../ui/steps.ts'
import { ENTER_TOKEN } from '../hub-steps.ts'
import { unreadWords } from '../network/words.ts'

/** What the empty page says, from what is known now. */
export function startWords(
  session: Session,
  model: string | undefined,
  live: number,
): { readonly title: string; readonly text: string; readonly empty: boolean } {
  const title = 'Ask an AI that runs on other people’s computers.'
  const up = session.relays.filter((relay) => relay.state === 'up').length
  if (isInsecure(session))
    return {
      title: 'This page is not secure.',
      text: 'Nothing can be asked from here. Open the page over https, or at localhost on the machine that runs the relay.',
      empty: true,
    }
  if (session.stage === 'failed')
    return { title, text: 'This tab is not connected yet. Your prompt is kept until it is.', empty: false }
  if (session.stage === 'outdated')
    return { title, text: 'This page is older than the network. Reload it, then ask.', empty: true }
  if (session.takenAt === undefined && session.stage !== 'no-relay' && !session.silent)
    return { title, text: 'Finding a relay that knows who is lending.', empty: false }
  if (session.stage === 'no-relay')
    return {
      title: 'No relay answers.',
      text: 'Open connections keep working, but no new tab can be found. This page keeps trying, and your prompt stays here.',
      empty: true,
    }
  if (session.silent)
    return {
      title,
      text: 'Can’t see who is online yet: the relay has not said. Your prompt stays here until it does.',
      empty: false,
    }
  if (session.providers.tabs + session.providers.servers === 0 && session.unread.size > 0)
    return { title: 'No offer that this page can use.', text: unreadWords(session), empty: true }
  if (live === 0) {
    const others = session.providers
    const elsewhere =
      others.tabs + others.servers > 0 ? ' Other models have providers: look in the list.' : ''
    return {
      title: 'Nobody is lending a GPU right now.',
      text: `${plural(up, 'relay answers', 'relays answer')}, but nobody offers ${model ?? 'a model'}. Your prompt stays here until someone comes.${elsewhere}`,
      empty: true,
    }
  }
  const providers = providersInWords(session.providers)
  const verb = session.providers.tabs + session.providers.servers === 1 ? 'is' : 'are'
  return { title, text: `${providers} ${verb} lending now. You see the price before you send.`, empty: false }
}

/** Opened over plain http from another machine: the browser keeps from it what asking takes, and no attempt changes that. */
export function isInsecure(session: Session): boolean {
  return session.error?.code === 'mesh.insecure-page'
}

/** What helps when the tab could not join, or has no list of models. */
export function troubleSteps(code: string, retry: () => void): readonly Step[] {
  if (code === 'mesh.insecure-page') return [{ label: 'Show how', href: '/provide' }]
  return [{ label: 'Try now', run: retry }]
}

/** Why a prompt has not gone out yet. */
export function waitingWords(session: Session, model: string): string {
  if (session.stage === 'no-relay') return 'No relay answers, so nobody can be found.'
  if (session.stage === 'outdated') return 'This page is older than the network.'
  if (session.stage === 'checking') return 'Checking the connection to the relay.'
  if (session.stage !== 'up') return 'This tab is not connected yet.'
  if (session.silent) return 'Can’t see who is online yet.'
  return `Nobody lends ${model} right now.`
}

const PAYMENT_STEPS: Readonly<Record<PaymentStep, string>> = {
  opening: 'Opening your wallet',
  faucet: 'Getting test INF',
  deposit: `Making a deposit of ${plainMoney(TEST_DEPOSIT, { symbol: 'INF', decimals: 18 })} test INF`,
  session: 'Allowing this tab to pay',
}

/** A tab that answers has done so by then; whoever waits longer wants to know for what. */
const SOON_MS = 4 * SECOND_MS

/**
 * What a question waits for that has gone out: money first, then somebody who answers.
 *
 * @param waitedMs since this attempt began
 */
export function searchingWords(step: PaymentStep | undefined, attempt: number, waitedMs = 0): string {
  if (step) return PAYMENT_STEPS[step]
  const looking = `Looking for a tab that answers${attempt > 1 ? `, attempt ${attempt}` : ''}`
  if (waitedMs < SOON_MS) return looking
  return `${looking}. None has for ${formatSpan(waitedMs)}: one that stays silent is given up after ${formatSpan(SILENT_PROVIDER_MS)}`
}

/**
 * What is said while a provider loads the model for this answer.
 *
 * @param loadMs what the provider said that it takes
 * @param waitedMs since it began
 */
export function loadingWords(loadMs: number, waitedMs: number): string {
  if (waitedMs <= loadMs) return `The tab that answers loads the model first, about ${formatSpan(loadMs)}`
  return `The tab that answers still loads the model: it said ${formatSpan(loadMs)}, and ${formatSpan(waitedMs)} have passed`
}

/**
 * What an answer waits for, when nobody can write it (on) now.
 *
 * @param reason why the last one who was asked did not
 * @param kept tokens of the answer that are there
 */
export function holdWords(reason: InfernetError, model: string, kept: number): string {
  if (reason.code === 'schedule.filling')
    return `${failureOf(reason).message} Looking for one that lends ${model} for some seconds; stop it any time.`
  const why =
    reason.code === 'stream.busy' || reason.code === 'prompt.quote-limit'
      ? `Everybody who lends ${model} is busy.`
      : `Nobody who lends ${model} can go on right now. The last reason: ${failureOf(reason).message}`
  const safe = kept > 0 ? ` ${plural(kept, 'token')} are kept, and waiting costs nothing.` : ''
  return `${why} Trying again every few seconds; stop it any time.${safe}`
}

/** Who sees what of a question and of who asks it: true in each mode, also before the tab has joined. */
export function privacyWords(
  hides: boolean,
  hiddenBy: 'turn' | 'relay' | undefined,
  asksTwo = false,
): string {
  if (!hides)
    return asksTwo
      ? 'Two providers read the prompt and see your IP address.'
      : 'The tab that answers can read your prompt and sees your IP address.'
  const unseen = asksTwo
    ? 'Two providers read the prompt, but do not see your IP address'
    : 'The tab that answers can read your prompt, but does not see your IP address'
  if (hiddenBy === 'turn') return `${unseen}: your relay and its TURN server do.`
  if (hiddenBy === undefined) return `${unseen}: your relay does.`
  return `${unseen}: your relay does. It names no TURN server, so answers pass through it, encrypted, slower and up to a limit.`
}

/** The way out of each failure of an answer. */
export function stepsAfter(
  code: string | undefined,
  act: {
    readonly again: () => void
    readonly look: () => void
    /** Undefined where there is nothing to continue. */
    readonly resume?: (() => void) | undefined
  },
): readonly Step[] {
  if (act.resume && code !== undefined)
    return [{ label: 'Continue', run: act.resume }, ...stepsAfter(code, { ...act, resume: undefined })]
  const again: Step = { label: 'Ask again', run: act.again }
  const provide: Step = { label: 'Lend my own GPU', href: '/provide' }
  switch (code) {
    case undefined:
      return [provide]
    case 'schedule.no-provider':
      return [{ label: 'Send when someone is online', run: act.again }, provide]
    case 'schedule.no-relay':
      return [
        { label: 'Try now', run: () => (act.look(), act.again()) },
        { label: 'See the relays', href: '/network' },
      ]
    case 'stream.provider-lost':
    case 'stream.silent':
    case 'mesh.unreachable':
    case 'mesh.no-direct-path':
    case 'mesh.no-hidden-path':
    case 'mesh.relay-budget':
      return [again, { label: 'See who lends', href: '/network' }]
    case 'origin.gated':
      return [ENTER_TOKEN, again]
    case 'mesh.insecure-page':
      return troubleSteps(code, act.look)
    default:
      return isAboutMoney(code) ? [{ label: 'Open the Wallet page', href: '/wallet' }, again] : [again]
  }
}

function isAboutMoney(code: string): boolean {
  return /^(payment|wallet|faucet)\./.test(code)
}
