import type { ProbeFound, TabAudit } from '../../state/trust/tab-audit.svelte.ts'
import { formatCount, plural } from '../../ui/format.ts'
import { failureOf } from '../words.ts'

/** What the switch does, and what it costs. */
export const AUDIT_HINT =
  'It asks made-up questions of those who lend for nothing, under new names, and reads the answers again with a model ' +
  'that is kept on this device. What it finds is signed and told to the relays. It costs no money: some computing ' +
  'and some data for each question. Those who ask a price are not audited by a tab.'

/** Questions an hour to choose from. */
export const BUDGETS: readonly number[] = [2, 6, 12, 30]

export function budgetWords(perHour: number): string {
  return plural(perHour, 'question', 'questions')
}

const PAUSES = {
  hidden: 'Paused while this tab is hidden, as your limits for lending say.',
  battery: 'Paused while this device runs on battery, as your limits for lending say.',
  metered: 'Paused on a metered connection, as your limits for lending say.',
  'no-model': 'Waiting: no model that writes is kept on this device. Keep one under Models.',
} as const satisfies Record<NonNullable<TabAudit['pause']>, string>

/** What it does now, and what today came to. */
export function auditWords({ isOn, pause, today }: Pick<TabAudit, 'isOn' | 'pause' | 'today'>): string {
  const { agrees, differs, inconclusive, failed } = today
  const sum = agrees + differs + inconclusive
  const parts = [
    `${formatCount(agrees)} agreed`,
    `${formatCount(differs)} differed`,
    `${formatCount(inconclusive)} could not be judged`,
    ...(failed > 0 ? [`${formatCount(failed)} came to no answer`] : []),
  ]
  const found =
    sum + failed === 0
      ? 'Nothing found today.'
      : `Today it asked ${plural(sum + failed, 'question', 'questions')}: ${parts.join(', ')}.`
  if (!isOn) return sum + failed === 0 ? 'Off.' : `Off. ${found}`
  return `${pause ? PAUSES[pause] : 'On: chance decides when it asks next.'} ${found}`
}

const OUTCOMES = {
  agrees: 'agrees',
  differs: 'differs',
  inconclusive: 'inconclusive',
} as const satisfies Record<NonNullable<ProbeFound['outcome']>, string>

/** One line of what it found. */
export function foundWords(
  { provider, outcome, reason, relays }: ProbeFound,
  modelName: string | undefined,
): string {
  const who = `${provider.slice(-6)}, ${modelName ?? 'a model that is not listed'}`
  if (outcome) return `${who}: ${OUTCOMES[outcome]}, told to ${plural(relays, 'relay', 'relays')}.`
  return `${who}: no verdict. ${reason ? failureOf(reason).message : ''}`.trimEnd()
}
