import { shortPeerName, type JobId } from '#shared/base/ids.ts'
import type { InconclusiveReason, Outcome } from '#shared/verify/verdict.ts'
import type { Checking } from '../../../state/ask/check-desk.svelte.ts'
import {
  byJob,
  type CheckCause,
  type FoundCheck,
  type JobCheck,
  type JobMark,
  type MarkOutcome,
} from '../../../state/ask/check-record.ts'
import { formatBytes, formatInfAtMost, plural } from '../../../ui/format.ts'

const REASONS: Readonly<Record<InconclusiveReason, string>> = {
  'no-commitments':
    'The provider signed no sketches under a part of it, and without them nothing can be decided.',
  'too-short': 'The answer is too short to tell: from 32 tokens on a check can decide.',
  withheld:
    'The provider did not open the sketches that it had signed, and the tokens alone show no difference.',
  'unseen-pair':
    'The two computers differ more than any two that were measured. That accuses nobody: it may be an honest pair that nobody has seen yet.',
  between: 'What was found lies between what honest computers show and what cheats show.',
}

const DIFFERENCES = {
  tokens: 'The tokens are not those that this model draws from this prompt.',
  sketches: 'The numbers that the provider signed are not those of this model.',
  openings: 'What the provider opened is not what it had signed.',
} as const

/** The first sentences of the dialog, before what was found in numbers: who read the answer, and what they say of it. */
export function leadWords(mark: MarkOutcome | 'checking', checks: readonly JobCheck[] = []): string {
  switch (mark) {
    case 'none':
      return checks.length > 0
        ? 'A part of this answer has been checked, and another part has not.'
        : 'Nobody has read this answer again. A check has a second computer run the same model over it, and compares.'
    case 'checking':
      return 'You can close this and go on: the check goes on as long as this tab is open.'
    case 'agrees':
      return agreesWords(checks)
    case 'differs':
      return differsWords(checks)
    case 'inconclusive':
      return 'The check decided nothing, and accuses nobody.'
    case 'uncheckable':
      return 'Nobody can check this answer: its provider signed the words and no sketches of the numbers behind them, as programs from before checks do. Ask again to get an answer that can be checked.'
  }
}

const CAUSES: Readonly<Record<CheckCause, string>> = {
  share: 'It is one of the share of your answers that you have checked always.',
  wanted:
    'Nobody pressed for it: somebody says that this provider cheats, or a check of another answer did, so this one is looked at.',
}

/** Why an answer is or was checked that nobody pressed the button for; undefined where the visitor did. */
export function causeWords(
  going: Pick<Checking, 'cause'> | undefined,
  checks: readonly Pick<JobCheck, 'cause'>[] = [],
): string | undefined {
  const cause = going ? going.cause : checks.findLast((check) => check.cause)?.cause
  return cause && CAUSES[cause]
}

/** Whose part of an answer is checked, where two wrote it and parted. */
export const PARTS = ['The one whose text this is', 'The other one'] as const
function agreesWords(checks: readonly JobCheck[]): string {
  const readers = readersOf(checks, 'agrees')
  const against = readersOf(checks, 'differs')
  if (readers.isOwn)
    return [
      `${readers.who} read this answer again with the same model, and found what that model writes.`,
      ...(against.strangers > 0 ? ['A stranger said that it differs; this tab’s own reading counts.'] : []),
    ].join(' ')
  const word = readers.strangers > 1 ? 'Each is a stranger’s word.' : 'That is one stranger’s word.'
  return `${readers.who} read this answer again with the same model, and found what that model writes. ${word}`
}

function differsWords(checks: readonly JobCheck[]): string {
  const parts = byJob(checks)
  const readers = readersOf(checks, 'differs')
  const bad = parts.filter(({ outcome }) => outcome === 'differs').length
  const what = parts.length > 1 ? `${bad} of the ${parts.length} parts of this answer` : 'this answer'
  const others = readersOf(
    checks.filter(({ jobId }) => isOf(parts, jobId)),
    'agrees',
  ).strangers
  const doubt = readers.isOwn
    ? 'A broken driver does that, too: it need not be a cheat.'
    : 'It need not be a cheat: a broken driver does that, too, and a stranger can be wrong or lie.'
  return [
    `${readers.who} read ${what} again, and found something else than this model writes.`,
    ...(others > 0 && !readers.isOwn ? ['Another stranger found that it agrees.'] : []),
    doubt,
  ].join(' ')
}

function isOf(parts: readonly JobMark[], id: JobId): boolean {
  return parts.some(({ jobId, outcome }) => jobId === id && outcome === 'differs')
}

/** Why one check came to what it came to; undefined where the lead says it all. */
export function reasonWords({ verdict }: FoundCheck): string | undefined {
  if (verdict.reason) return REASONS[verdict.reason]
  return verdict.difference && DIFFERENCES[verdict.difference]
}

/** Who found this outcome. */
function readersOf(
  checks: readonly JobCheck[],
  outcome: Outcome,
): { readonly who: string; readonly isOwn: boolean; readonly strangers: number } {
  const found = checks.flatMap((check) => (check.found?.verdict.outcome === outcome ? [check.found] : []))
  const isOwn = found.some(({ by }) => by === 'self')
  const strangers = new Set(found.flatMap(({ by, verifier }) => (by === 'peer' ? [verifier] : []))).size
  const computers = strangers > 1 ? `${strangers} strangers’ computers` : 'a stranger’s computer'
  const who = isOwn ? (strangers > 0 ? `this tab and ${computers}` : 'this tab') : computers
  return { who: capital(who), isOwn, strangers }
}

function capital(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** Where a check stands, as a sentence. */
export function stepWords(checking: Checking): string {
  const { job, jobs, verifier } = checking
  const words = doingWords(checking)
  if (jobs > 1) return `Part ${job + 1} of ${jobs}: ${words}`
  // A name in its own case is a name; with another first letter it is another one's.
  return verifier && words.startsWith(shortPeerName(verifier)) ? words : capital(words)
}

function doingWords({ step, by, verifier, loading }: Checking): string {
  const who = by === 'self' ? 'this tab' : verifier ? shortPeerName(verifier) : 'a stranger'
  switch (step) {
    case 'waiting':
      return 'waiting for another check to end.'
    case 'preparing':
      return loading
        ? `bringing the model into this tab, ${formatBytes(loading.loadedBytes)} of ${formatBytes(loading.totalBytes)}.`
        : 'reading what proves the answer.'
    case 'passed-over':
      return `${who} gave no verdict that holds, so the next one is looked for.`
    case 'searching':
      return 'looking for somebody else who lends this model.'
    case 'asked':
      return `${who} takes the check.`
    case 'reading':
      return `${who} reads the prompt and the answer again.`
    case 'opening':
      return 'asking the provider to open what it signed.'
    case 'done':
      return 'comparing.'
  }
}

/** Before the press, of an answer from before providers let go of what they signed. */
export const OLD_ANSWER_WORDS =
  'This answer is more than a day old. After a day a provider has let go of what a check asks it to open, so the tokens alone can be compared: they can show that the answer differs, not that it agrees.'

/** Beside Cancel: what becomes of what a check costs. Empty for one that is free. */
export function cancelWords({ cost }: Pick<Checking, 'cost'>): string {
  return cost > 0n ? 'A stranger is paid before it reads. Cancelling brings no payment back.' : ''
}

/** What a check of one's own costs others. */
export function selfWords(has: boolean | undefined, model: string): string {
  if (has === undefined) return 'Looking whether this tab has the model.'
  return has
    ? `Free. This tab has ${model} and reads the answer again. Nobody else sees your prompt.`
    : `This tab does not have ${model}. Once it is on this device, checking is free and nobody else sees your prompt.`
}

/** What a stranger's check costs, in money and in secrecy. */
export function strangerWords(price: bigint | undefined, tokens: number, model: string): string {
  if (price === undefined) return `Nobody else lends ${model} right now, so nobody can be asked.`
  const cost =
    price === 0n
      ? 'It is free.'
      : `It costs at most ${formatInfAtMost(price)} for ${plural(tokens, 'token')} to read.`
  return `One more stranger reads your prompt and the answer, and says what it found. ${cost}`
}
