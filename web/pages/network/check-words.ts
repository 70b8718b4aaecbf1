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

const WHO_TELLS = 'Auditors tell relays what they find; a check that you ask for stays in your browser.'

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
      ? 'None says that an answer differed.'
      : `${plural(all.differs, 'says', 'say')} that an answer differed: its provider cheats or has a bad driver, or the verifier does.`
  return {
    figure: formatCount(sum),
    unit: sum === 1 ? 'check that relays heard of' : 'checks that relays heard of',
    say: `${sum === 0 ? 'Nobody has told a relay of a check.' : differed} ${WHO_TELLS}`,
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
