import type { Outcome } from '#shared/verify/verdict.ts'
import type { Session } from '../../state/session/session.svelte.ts'
import type { OwnRecord, ToldRecord } from '../../state/trust/provider-record.ts'
import type { OutcomeCount, StakeSaid, StandingReason } from '../../state/trust/services.ts'
import { formatCount, formatInf, formatSpan, plural } from '../../ui/format.ts'

const NOT_KNOWN = 'not known'

/** A name as it stands in the address: what is no name of a peer has no page. */
export function isPeerName(text: string): boolean {
  return /^(12D3KooW|Qm)[1-9A-HJ-NP-Za-km-z]{30,60}$/.test(text)
}

/** What it does now, by its offers. */
export function nowWords(session: Session, name: string, modelName: (model: string) => string): string {
  const mine = ({ offer }: { readonly offer: { readonly provider: string } }): boolean =>
    offer.provider === name
  const live = session.live.filter(mine)
  if (live.length > 0) {
    const names = live.map(({ offer }) => modelName(offer.model))
    const kind = live[0]?.offer.kind === 'node' ? 'server' : 'tab'
    return `A ${kind} that lends ${inWords(names)} now, by offers that it has signed.`
  }
  if (session.unconfirmed.some(mine)) return 'Its last offer has run out, and no new one has come.'
  if (session.takenAt === undefined) return 'Asking the relays whether it lends now.'
  return 'It lends nothing right now, as far as the relays of this page know.'
}

function inWords(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? ''
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

export interface Fact {
  readonly name: string
  readonly value: string
}

/** What happened between this browser and the provider. */
export function ownRows(own: OwnRecord, now: number): readonly Fact[] {
  const checks = sumOf(own.checks)
  return [
    { name: 'Parts of answers written', value: formatCount(own.jobs) },
    { name: 'Tokens', value: formatCount(own.tokens) },
    { name: 'Left in the middle', value: own.jobs + own.left === 0 ? NOT_KNOWN : formatCount(own.left) },
    {
      name: 'Checked',
      value: checks === 0 ? 'never' : `${formatCount(checks)}: ${outcomeWords(own.checks)}`,
    },
    { name: 'Last answer', value: own.lastAt === undefined ? 'none' : `${formatSpan(now - own.lastAt)} ago` },
  ]
}

/** What strangers say that they found. */
export function toldRows(told: ToldRecord | undefined, now: number): readonly Fact[] {
  if (!told) return [{ name: 'Checks', value: NOT_KNOWN }]
  const checks = sumOf(told.checks)
  if (checks === 0) return [{ name: 'Checks', value: 'none in a week that the relays know of' }]
  return [
    { name: 'Checks', value: `${formatCount(checks)}, by ${plural(told.verifiers, 'verifier')}` },
    { name: 'Outcomes', value: outcomeWords(told.checks) },
    {
      name: 'By verifiers with stake',
      value: sumOf(told.staked) === 0 ? 'none' : outcomeWords(told.staked),
    },
    {
      name: 'Last check',
      value: told.lastAt === undefined ? NOT_KNOWN : `${formatSpan(now - told.lastAt)} ago`,
    },
  ]
}

export function stakeWords(stake: StakeSaid | undefined, isAnswered: boolean): string {
  if (stake) return `${formatInf(stake.stake)}, by the word of relays`
  return isAnswered ? 'none that the relays know of' : NOT_KNOWN
}

/** Counts of outcomes, and always how many differ. @internal */
export function outcomeWords(count: OutcomeCount): string {
  const words: Readonly<Record<Outcome, string>> = {
    agrees: count.agrees === 1 ? 'agrees' : 'agree',
    differs: count.differs === 1 ? 'differs' : 'differ',
    inconclusive: 'inconclusive',
  }
  const parts = (['agrees', 'differs', 'inconclusive'] as const).flatMap((outcome) =>
    count[outcome] > 0 || outcome === 'differs' ? [`${formatCount(count[outcome])} ${words[outcome]}`] : [],
  )
  return parts.join(', ')
}

function sumOf({ agrees, differs, inconclusive }: OutcomeCount): number {
  return agrees + differs + inconclusive
}

/** Whether this tab asks it at all, by its reasons. */
export function standingWords(reasons: readonly StandingReason[] | undefined): {
  readonly kind: 'ok' | 'warn' | 'bad' | 'unknown'
  readonly word: string
} {
  const has = (code: string): boolean => reasons?.some((reason) => reason.code === code) ?? false
  if (!reasons || reasons.length === 0) return { kind: 'unknown', word: 'nothing known yet' }
  if (has('excluded')) return { kind: 'bad', word: 'not asked any more' }
  if (has('quarantined')) return { kind: 'warn', word: 'not asked for now' }
  return has('new') ? { kind: 'unknown', word: 'new to this tab' } : { kind: 'ok', word: 'asked like others' }
}

/** How reliably it was there, as far as this tab saw it. */
export function uptimeWords(reasons: readonly StandingReason[] | undefined): string {
  const { facts } = reasons?.find(({ code }) => code === 'served') ?? {}
  const [served, failed] = [Number(facts?.['served'] ?? 0), Number(facts?.['failed'] ?? 0)]
  if (served + failed === 0) return NOT_KNOWN
  return `not known; it ended ${formatCount(served)} of ${plural(served + failed, 'job')} of this tab well`
}

const WHAT: Readonly<Record<string, string>> = {
  tokens: 'its tokens were not those of the model',
  sketches: 'its numbers were not those of the model',
  openings: 'it opened something else than it had signed',
  'early-stop': 'it ended an answer where no model ends one',
  verdict: 'a verdict of its is not what this tab found itself',
}

type Facts = StandingReason['facts']
const number = (facts: Facts, name: string): number => Number(facts[name] ?? 0)
const whole = (facts: Facts, name: string): string => formatCount(Math.round(number(facts, name)))
const percent = (facts: Facts, name: string): string => `${Math.round(100 * number(facts, name))} %`

const REASONS: Readonly<Record<string, (facts: Facts) => string>> = {
  excluded: (facts) =>
    `It is never asked: ${plural(number(facts, 'differences'), 'confirmed difference')}, at last because ${WHAT[facts['what'] ?? ''] ?? 'an answer differed'}.`,
  quarantined: (facts) =>
    `It waits for its next self-test, because ${WHAT[facts['what'] ?? ''] ?? 'an answer differed'}${number(facts, 'isOwn') > 0 ? '; this tab saw it itself' : ''}. A bad driver looks like a cheat.`,
  contradicted: (facts) =>
    `This tab read the same ${number(facts, 'verdicts') === 1 ? 'answer' : 'answers'} itself and found otherwise than ${plural(number(facts, 'verdicts'), 'verdict')} of its, so it is not asked to check while another one is there.`,
  'wants-check': () => 'Somebody says that it cheats, and this tab has not looked itself since.',
  checked: (facts) =>
    `This tab had its work checked: ${outcomeWords({ agrees: number(facts, 'agrees'), differs: number(facts, 'differs'), inconclusive: number(facts, 'inconclusive') })}.`,
  told: (facts) =>
    `By the word of ${plural(number(facts, 'auditors'), 'auditor')} with stake, about ${whole(facts, 'agrees')} of its answers agree and ${whole(facts, 'differs')} differ; older ones count less.`,
  served: (facts) =>
    `It ended ${plural(number(facts, 'served'), 'job')} of this tab well, and ${whole(facts, 'failed')} not.`,
  slow: (facts) => `It took ${number(facts, 'times').toFixed(1)} times as long as it had promised.`,
  staked: () => 'It has a stake, so it starts with more trust than a name that costs nothing.',
  unstaked: () => 'It has no stake that is known here, so it starts with the trust of any new name.',
  new: () =>
    'This tab has no record of it yet: it is asked now and then, until its work has shown what it is.',
  trust: (facts) =>
    `In the draw it counts ${percent(facts, 'trust')}: ${percent(facts, 'integrity')} for right answers, ${percent(facts, 'availability')} for being there, ${percent(facts, 'quotes')} for its word on speed. Where little is known, little counts.`,
}

/** Why it is asked or not, one sentence each; a reason that this page does not know is named by its code. */
export function reasonSentence({ code, facts }: StandingReason): string {
  return REASONS[code]?.(facts) ?? code
}
