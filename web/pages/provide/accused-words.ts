import type { Accusation, AccusationState } from '#shared/peer/accusation.ts'
import { formatSpan } from '../../ui/format.ts'
import { machineWords } from '../network/class-words.ts'
import { failureOf } from '../words.ts'

export interface AccusedWords {
  readonly kind: 'ok' | 'warn' | 'bad' | 'unknown'
  readonly word: string
  /** Who says so; the name of the peer follows. */
  readonly who: string
  /** What is said, after the name, and what came of it. */
  readonly say: string
}

/** What somebody says of an answer of this tab's, and what the tab does about it. It never says that it is so. */
export function accusedWords(
  { isStaked, class: machine, at, state }: Accusation,
  {
    thing,
    model,
    now,
  }: { readonly thing: string; readonly model?: string | undefined; readonly now: number },
): AccusedWords {
  const span = (ms: number): string => formatSpan(Math.max(0, ms))
  const where = model === undefined ? 'an answer of yours' : `an answer of yours with ${model}`
  const what = `, which says that it ran on ${machineWords(machine)}, signed ${span(now - at)} ago that ${where} is not what the model writes. Whether that is right is not known. A bad driver looks like a cheat, so your ${thing}`
  return {
    who: isStaked ? 'A peer with a stake, by the word of relays,' : 'A stranger,',
    ...outcomeOf(state, span, { what, now }),
  }
}

function outcomeOf(
  state: AccusationState,
  span: (ms: number) => string,
  { what, now }: { readonly what: string; readonly now: number },
): Omit<AccusedWords, 'who'> {
  const said = (kind: AccusedWords['kind'], word: string, then: string): Omit<AccusedWords, 'who'> => ({
    kind,
    word,
    say: `${what} ${then}`,
  })
  switch (state.stage) {
    case 'resting':
      return said(
        'unknown',
        'Self-test later',
        `tests itself, once an hour at most: again in ${span(state.until - now)}.`,
      )
    case 'waiting':
      return said('unknown', 'Self-test next', 'tests itself as soon as nobody is being answered.')
    case 'testing':
      return said('unknown', 'Self-test runs', 'tests itself now.')
    case 'passed':
      return said(
        'ok',
        'Self-test passed',
        `tested itself: all known answers came out right ${span(now - state.at)} ago, and it lends on.`,
      )
    case 'failed':
      return said(
        'bad',
        'Self-test failed',
        'tested itself: known answers came out wrong, and it lends no more.',
      )
    case 'undecided':
      return said(
        'warn',
        'Self-test not made',
        `was to test itself, which could not be done: ${failureOf(state.reason).message} It is tried again in about an hour.`,
      )
  }
}
