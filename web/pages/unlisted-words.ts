import type { MergedEntry } from '#shared/models/catalogue/merge-catalogues.ts'
import type { LinkedModel, LookUpHold, Unlisted } from '../state/session/unlisted.svelte.ts'
import { countInWords } from '../ui/format.ts'

type Lent = Pick<Unlisted, 'lent' | 'open' | 'missed' | 'hold' | 'isLooking' | 'isSpent'>

const HOLDS: Readonly<Record<LookUpHold, string>> = {
  'hides-address': 'You hide your address, so no peer is asked',
  'origins-only': 'You chose From origins only, so no peer is asked',
}

/** What stands below the list of models, and on the button beside it. Undefined where every model that is lent has a name. */
export function lentWords(
  unlisted: Lent,
):
  | { readonly lead: string; readonly more: readonly string[]; readonly button: string | undefined }
  | undefined {
  const { lent, open, hold, isLooking, isSpent } = unlisted
  const count = lent.length
  if (count === 0) return undefined
  const what = count === 1 ? 'what it is' : 'what they are'
  const lead = `${countInWords(count)} ${count === 1 ? 'model that no list names is' : 'models that no list names are'} lent now.`
  if (hold) return { lead, more: [`${HOLDS[hold]} ${what}.`], button: undefined }
  if (isLooking)
    return { lead, more: [`Asking the peers who have ${count === 1 ? 'it' : 'them'}.`], button: undefined }
  const more = [...(isSpent ? [SPENT] : []), ...missedWords(unlisted)]
  if (open === 0) return { lead, more, button: undefined }
  return {
    lead,
    more: [...more, `The peers who are asked ${what} see your address.`],
    button: open === 1 ? 'Look it up' : 'Look them up',
  }
}

const SPENT = 'So many were looked up that the next ones have to wait for some minutes.'

function missedWords(unlisted: Lent): readonly string[] {
  const [withheld, unusable] = [unlisted.missed('withheld'), unlisted.missed('unusable')]
  const files = withheld === 1 ? 'its files on. Its licence' : 'their files on. A licence'
  return [
    ...(withheld > 0
      ? [
          `${countInWords(withheld)} could not be looked up: no peer in reach passes ${files} may forbid that.`,
        ]
      : []),
    ...(unusable > 0 ? [`${countInWords(unusable)} cannot be used by this page. A newer one may.`] : []),
  ]
}

/** What became of a link to a model that no list names. */
export function linkWords({ state }: LinkedModel): string {
  switch (state) {
    case 'looking':
      return 'The link names a model that is in no list. Asking the peers who have it what it is.'
    case 'hides-address':
    case 'origins-only':
      return `The link names a model that is in no list. ${HOLDS[state]} what it is.`
    case 'withheld':
      return 'The model of the link is in no list, and no peer in reach passes its files on. Nobody may have it now, or its licence may forbid that.'
    case 'unusable':
      return 'The model of the link cannot be used by this page. A newer one may.'
    case 'spent':
      return `The link names a model that is in no list. ${SPENT}`
  }
}

/**
 * Who can ask a model that is in the visitor's own list alone; undefined for one that others list, too.
 *
 * @param isKeptBack nothing is passed on, because the visitor said so
 */
export function ownModelWords(
  { entry, sources }: Pick<MergedEntry, 'entry' | 'sources'>,
  isKeptBack: boolean,
): string | undefined {
  if (sources.some(({ kind }) => kind !== 'own')) return undefined
  const lead = 'Only your own list names this model.'
  if (!entry.licence.mayPassOn)
    return `${lead} Its licence does not let this tab pass its files on, so nobody can ask it who has not added it, too.`
  if (isKeptBack)
    return `${lead} This tab passes nothing on while no peer is asked, so nobody can ask it who has not added it, too.`
  return `${lead} Others look it up from this tab, which passes its files on while it lends.`
}
