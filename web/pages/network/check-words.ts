import type { CheckCount, OutcomeCount } from '../../state/trust/services.ts'
import { formatCount, plural } from '../../ui/format.ts'

export interface CountWords {
  readonly figure: string
  readonly unit: string
  readonly say: string
  readonly rows: readonly {
    readonly who: string
    readonly agrees: string
    readonly differs: string
    readonly inconclusive: string
  }[]
}

/**
 * How many answers were checked, as the audit log says it.
 *
 * @param isAnswered whether the relays were asked: a relay of before says nothing
 */
export function countWords(count: CheckCount | undefined, isAnswered: boolean): CountWords {
  if (!count)
    return {
      figure: '—',
      unit: 'not known',
      say: isAnswered ? 'No relay of this page counts checks.' : 'Asking the relays.',
      rows: [],
    }
  const { all, staked } = count
  const sum = all.agrees + all.differs + all.inconclusive
  const differed =
    all.differs === 0
      ? 'None differed.'
      : `${plural(all.differs, 'differs', 'differ')}: somebody wrote something else than the model that was asked for, or has a bad driver.`
  return {
    figure: formatCount(sum),
    unit: sum === 1 ? 'check that relays heard of' : 'checks that relays heard of',
    say: sum === 0 ? 'Nobody has told a relay of a check.' : differed,
    rows: sum === 0 ? [] : [rowOf('all', all), rowOf('with stake', staked)],
  }
}

function rowOf(who: string, { agrees, differs, inconclusive }: OutcomeCount): CountWords['rows'][number] {
  return {
    who,
    agrees: formatCount(agrees),
    differs: formatCount(differs),
    inconclusive: formatCount(inconclusive),
  }
}
