import { toHex } from '#shared/base/bytes.ts'
import { shortPeerName } from '#shared/base/ids.ts'
import type { Findings, InconclusiveReason, VerifierClass } from '#shared/verify/verdict.ts'
import type { Checking } from '../../../state/ask/check-desk.svelte.ts'
import {
  markOf,
  type CheckCause,
  type FoundCheck,
  type JobCheck,
  type MarkOutcome,
} from '../../../state/ask/check-record.ts'
import { machineWords } from '../../network/class-words.ts'
import { formatBytes, formatInf, plural } from '../../../ui/format.ts'

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

/** The one sentence of the dialog, before what was found in numbers. */
export function leadWords(mark: MarkOutcome | 'checking', checks: readonly JobCheck[] = []): string {
  switch (mark) {
    case 'none':
      return checks.length > 0
        ? 'A part of this answer has been checked, and another part has not.'
        : 'Nobody has read this answer again. A check has a second computer run the same model over it, and compares.'
    case 'checking':
      return 'The answer is being read again.'
    case 'agrees':
      return `${readersOf(checks)} read this answer again with the same model, and found what that model writes.`
    case 'differs':
      return `${readersOf(checks)} read this answer again and found something else than this model writes. A broken driver does that too: it need not be a cheat.`
    case 'inconclusive':
      return 'The check decided nothing, and accuses nobody.'
    case 'uncheckable':
      return 'The provider signed the words and no sketches of the numbers behind them: its program is from before checks. Ask again to get an answer that can be checked.'
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

/** Why one check came to what it came to; undefined where the lead says it all. */
export function reasonWords({ verdict }: FoundCheck): string | undefined {
  if (verdict.reason) return REASONS[verdict.reason]
  return verdict.difference && DIFFERENCES[verdict.difference]
}

function readersOf(checks: readonly JobCheck[]): string {
  const own = checks.some(({ found }) => found?.by === 'self')
  const strangers = new Set(checks.flatMap(({ found }) => (found?.by === 'peer' ? [found.verifier] : [])))
    .size
  if (own) return strangers > 0 ? 'This tab and a stranger’s computer' : 'This tab'
  return strangers > 1 ? 'Strangers’ computers' : 'A stranger’s computer'
}

/** Where a check stands, as a sentence. */
export function stepWords(checking: Checking): string {
  const { job, jobs } = checking
  const words = doingWords(checking)
  return jobs > 1
    ? `Part ${job + 1} of ${jobs}: ${words}`
    : `${words.charAt(0).toUpperCase()}${words.slice(1)}`
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
      return `${who} takes it.`
    case 'reading':
      return `${who} reads the prompt and the answer again.`
    case 'opening':
      return 'asking the provider to open what it signed.'
    case 'done':
      return 'comparing.'
  }
}

function classWords(of: VerifierClass): string {
  return [machineWords(of), of.build].filter(Boolean).join(', ')
}

/** 0.0213 @internal */
export function formatLogits(value: number): string {
  if (value === 0) return '0'
  return value < 0.0001 ? 'under 0.0001' : value.toPrecision(3).replace(/\.?0+$/, '')
}

/** What a check found, name by name. */
export function findingRows({ verdict, cost, by }: FoundCheck): readonly Fact[] {
  const { findings } = verdict
  return [
    { name: by === 'self' ? 'Class' : 'Class, as it says', value: classWords(verdict.class) },
    { name: 'Tokens read again', value: String(findings.tokens) },
    { name: 'Drawn the same', value: sameWords(findings) },
    { name: 'Largest margin', value: `${formatLogits(findings.largestMargin)} logits` },
    {
      name: 'Sketch distance',
      value:
        findings.opened > 0
          ? `${formatLogits(findings.sketchDistance)} logits over ${plural(findings.opened, 'token')}, ${formatLogits(findings.largestSketchDistance)} at most`
          : 'none was opened',
    },
    { name: 'Cost', value: cost === 0n ? 'free' : formatInf(cost) },
    {
      name: 'When',
      value: new Date(verdict.at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }),
    },
  ]
}

export interface Fact {
  readonly name: string
  readonly value: string
}

function sameWords({ margins, tokens }: Findings): string {
  const [same, near, far, beyond] = margins
  const rest = [
    ...(near > 0 ? [`${near} near`] : []),
    ...(far > 0 ? [`${far} far`] : []),
    ...(beyond > 0 ? [`${beyond} not possible`] : []),
  ]
  return `${same} of ${tokens}${rest.length > 0 ? `, ${rest.join(', ')}` : ''}`
}

/** A hash or a signature, short enough to compare by eye. */
export function shortHex(bytes: Uint8Array): string {
  return `${toHex(bytes.subarray(0, 4))}…${toHex(bytes.subarray(-2))}`
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
      : `It costs at most ${formatInf(price)} for ${plural(tokens, 'token')} to read.`
  return `One more stranger reads your prompt and the answer. ${cost}`
}

/** The mark of one job's checks. */
export function jobOutcome(checks: readonly JobCheck[]): MarkOutcome {
  return markOf(checks, 0)
}
