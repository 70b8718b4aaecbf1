import type { EpochMillis } from '../../base/units.ts'
import { trustOf } from '../policy/score.ts'
import type { Beliefs } from '../policy/trust.ts'
import type { Entry } from './entry.ts'
import type { Staked, Stakes } from './heard.ts'
import { weighed } from './words.ts'

/**
 * Why a provider is asked as often as it is. The words for them are the page's; facts are numbers and single words.
 *
 * - `excluded` {differences, what}: two confirmed differences
 * - `quarantined` {what, at, isOwn}: one difference, until a self-test that is newer than `at`; `isOwn` 1: found here
 * - `contradicted` {verdicts}: verdicts of its that this consumer's own engine contradicts
 * - `wants-check`: somebody says that it cheats, and this consumer's own engine has not looked since
 * - `checked` {agrees, differs, inconclusive}: checks made or asked for here
 * - `told` {auditors, agrees, differs}: by auditors with a stake; faded sums
 * - `served` {served, failed}: jobs of this consumer
 * - `slow` {times}: so many times as slow as it promised, by a question's task at worst
 * - `staked`, `unstaked`: the prior that it starts with
 * - `new`: nothing is known of it
 * - `trust` {trust, integrity, availability, quotes, presence}: what all that comes to, 0 to 1
 */
export interface Reason {
  readonly code:
    | 'excluded'
    | 'quarantined'
    | 'contradicted'
    | 'wants-check'
    | 'checked'
    | 'told'
    | 'served'
    | 'slow'
    | 'staked'
    | 'unstaked'
    | 'new'
    | 'trust'
  readonly facts: Readonly<Record<string, number | string>>
}

/** From what ratio of seen to promised times a provider is called slow. */
const SLOW_TIMES = 1.2

export function explainEntry(
  entry: Entry | undefined,
  {
    isExcluded,
    staked,
    stakes,
    now,
    beliefs,
  }: {
    isExcluded: boolean
    staked: Staked | undefined
    stakes: Stakes
    now: EpochMillis
    beliefs: Beliefs
  },
): readonly Reason[] {
  const stake: Reason = { code: (staked?.share ?? 0) >= 1 ? 'staked' : 'unstaked', facts: {} }
  const trust: Reason = { code: 'trust', facts: { trust: trustOf(beliefs), ...beliefs } }
  if (!entry) return [{ code: 'new', facts: {} }, stake, trust]
  const { totals, quarantine, differences, slowness } = entry
  const told = [...entry.told].filter(([auditor]) => (stakes.of(auditor)?.share ?? 0) >= 1)
  const heard = told.map(([, words]) => weighed(words, now))
  const verdicts = differences.filter(({ what }) => what === 'verdict').length
  const times = Math.max(1, ...Object.values(slowness))
  const reasons: (Reason | false)[] = [
    isExcluded && {
      code: 'excluded',
      facts: { differences: differences.length, what: differences.at(-1)?.what ?? '' },
    },
    quarantine !== undefined && {
      code: 'quarantined',
      facts: { what: quarantine.what, at: quarantine.at, isOwn: Number(quarantine.isOwn) },
    },
    verdicts > 0 && { code: 'contradicted', facts: { verdicts } },
    entry.accusedAt !== undefined && { code: 'wants-check', facts: {} },
    totals.agrees + totals.differs + totals.inconclusive > 0 && {
      code: 'checked',
      facts: { agrees: totals.agrees, differs: totals.differs, inconclusive: totals.inconclusive },
    },
    heard.length > 0 && {
      code: 'told',
      facts: {
        auditors: heard.length,
        agrees: heard.reduce((sum, { good }) => sum + good, 0),
        differs: heard.reduce((sum, { bad }) => sum + bad, 0),
      },
    },
    totals.served + totals.failed > 0 && {
      code: 'served',
      facts: { served: totals.served, failed: totals.failed },
    },
    times >= SLOW_TIMES && { code: 'slow', facts: { times } },
    stake,
    trust,
  ]
  return reasons.filter((reason) => reason !== false)
}
