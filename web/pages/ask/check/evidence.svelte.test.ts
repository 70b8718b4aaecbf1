import { render } from 'svelte/server'
import { expect, it } from 'vitest'
import { MINUTE_MS } from '#shared/base/units.ts'
import { KEEP_OPENINGS_MS } from '#shared/verify/openings/constants.ts'
import type { Verdict } from '#shared/verify/verdict.ts'
import type { JobCheck } from '../../../state/ask/check-record.ts'
import { checkOf, transcriptOf } from '../../../state/testing/checks.ts'
import { named, TINY } from '../../../state/testing/samples.ts'
import type { Turn } from '../../../state/ask/conversation.ts'
import CheckMark from '../CheckMark.svelte'
import { MARKS } from '../mark-words.ts'
import type { AppState } from '../../../state/shell/app-state.svelte.ts'
import CheckGoing from './CheckGoing.svelte'
import CheckWays from './CheckWays.svelte'
import Evidence from './Evidence.svelte'
import { OLD_ANSWER_WORDS } from './words.ts'

/** What a reader gets of the markup: words alone, one space between them. */
const read = (html: string): string =>
  html
    .replaceAll(/<!--.*?-->/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()

const evidence = (check: JobCheck, { isOnly = true, isOpen = true } = {}): string =>
  render(Evidence, {
    props: { check, isOnly, isOpen, part: undefined, read: async () => undefined },
  }).body

it.each(Object.keys(MARKS) as (keyof typeof MARKS)[])(
  'draws the mark "%s" as a word, not as a colour',
  (mark) => {
    const { body } = render(CheckMark, { props: { mark, hasFailed: false, onOpen: () => undefined } })
    expect(body).toContain(`data-mark="${mark}"`)
    expect(body).toContain('aria-haspopup="dialog"')
    expect(read(body)).toBe(`Check: ${MARKS[mark].word}`)
  },
)

it('says on the mark that a try to check came to nothing, but not while the next one goes on', () => {
  const draw = (mark: keyof typeof MARKS): string =>
    read(render(CheckMark, { props: { mark, hasFailed: true, onOpen: () => undefined } }).body)
  expect(draw('none')).toBe('Check: not checked, the last try failed')
  expect(draw('agrees')).toBe('Check: agrees, the last try failed')
  expect(draw('checking')).toBe('Check: checking')
})

const OUTCOMES: readonly (readonly [string, Partial<Verdict>, RegExp])[] = [
  ['agrees', {}, /^Written by aaaaaa/],
  ['differs in its tokens', { outcome: 'differs', difference: 'tokens' }, /^The tokens are not/],
  ['differs in its sketches', { outcome: 'differs', difference: 'sketches' }, /^The numbers that/],
  ['differs in what was opened', { outcome: 'differs', difference: 'openings' }, /^What the provider opened/],
  ['is too short', { outcome: 'inconclusive', reason: 'too-short' }, /^The answer is too short/],
  ['is withheld', { outcome: 'inconclusive', reason: 'withheld' }, /^The provider did not open/],
  ['is of an unseen pair', { outcome: 'inconclusive', reason: 'unseen-pair' }, /^The two computers/],
]

it.each(OUTCOMES)('shows the evidence of an answer that %s', (_, change, begins) => {
  const words = read(evidence(checkOf(change)))
  expect(words).toMatch(begins)
  for (const wanted of [
    'Checked by bbbbbb',
    'Class, as it says CPU Engine onnxruntime-web 1.30.0',
    'Tokens read again 40',
    'Largest margin 0 logits',
    'Sketch distance 0.0021 logits',
    'Cost free',
    'Provider signed 04040404…0404',
    'Verifier signed 05050505…0505',
    'Export evidence',
    'npm run verify -- FILE',
  ])
    expect(words).toContain(wanted)
})

it('links who wrote and who checked to their pages, and a tab’s own check to nobody', () => {
  const links = (html: string): number => html.match(/href="[^"]*provider\?peer=/g)?.length ?? 0
  expect(links(evidence(checkOf()))).toBe(2)
  const own = evidence(checkOf({ by: 'self' }))
  expect(links(own)).toBe(1)
  expect(read(own)).toContain('Checked by this tab')
})

it('folds each of several checks to a line that says what it came to and by whom', () => {
  const folded = evidence(checkOf({ outcome: 'differs', difference: 'tokens' }), {
    isOnly: false,
    isOpen: false,
  })
  expect(folded).toMatch(/^(<!--.*?-->)*<details class="well[^>]*>/)
  expect(folded).not.toMatch(/<details class="well[^>]*\bopen\b/)
  expect(read(folded)).toMatch(/^differs by bbbbbb /)
  expect(evidence(checkOf(), { isOnly: false })).toMatch(/<details class="well[^>]*\bopen\b/)
})

it('offers no file where nothing was found', () => {
  const words = read(evidence({ ...checkOf(), found: undefined }))
  expect(words).toBe('Written by aaaaaa Length 40 tokens')
})

it('shows a check on its way with what it costs, how far it is, and a way to end it', () => {
  const going = { by: 'peer', step: 'reading', job: 0, jobs: 1, verifier: named('bbbbbb') } as const
  const draw = (cost: bigint): string =>
    render(CheckGoing, {
      props: { checking: { ...going, cost, loading: undefined }, onCancel: () => undefined },
    }).body
  expect(read(draw(0n))).toBe('bbbbbb reads the prompt and the answer again. Free Cancel')
  expect(read(draw(2_400_000_000_000n))).toContain('Costs 0.0000024 INF')
  expect(draw(0n)).toContain('aria-valuenow="40"')
})

it('says before the press that of an answer from yesterday the tokens alone can be compared', () => {
  const ways = (ageMs: number): string => {
    const job = { transcript: transcriptOf('aaaaaa'), provider: named('aaaaaa'), from: 0, tokens: 40 }
    const jobs = [{ ...job, readTokens: 60, hasRoots: true, signature: new Uint8Array() }]
    const app = {
      checks: { checkableOf: () => ({ at: 0, jobs }), priceOf: () => 0n, hasModel: () => true },
      session: { now: ageMs },
      ask: { busy: false },
    } as unknown as AppState
    const turn = { id: 'x', model: TINY, modelName: 'Tiny', answer: {} } as unknown as Turn
    return read(render(CheckWays, { props: { app, turn, isAgain: false, isUncheckable: false } }).body)
  }
  const late = ways(KEEP_OPENINGS_MS + MINUTE_MS)
  expect(late).toContain(OLD_ANSWER_WORDS)
  expect(late.indexOf(OLD_ANSWER_WORDS)).toBeLessThan(late.indexOf('Check here, free'))
  expect(ways(KEEP_OPENINGS_MS - MINUTE_MS)).not.toContain(OLD_ANSWER_WORDS)
})

it('says beside Cancel what becomes of a payment', () => {
  const going = (cost: bigint): string => {
    const checking = { by: 'peer', step: 'reading', job: 0, jobs: 1, verifier: named('bbbbbb') } as const
    return read(
      render(CheckGoing, {
        props: { checking: { ...checking, cost, loading: undefined }, onCancel: () => undefined },
      }).body,
    )
  }
  expect(going(9n)).toMatch(
    /Cancel A stranger is paid before it reads\. Cancelling brings no payment back\.$/,
  )
  expect(going(0n)).toMatch(/Cancel$/)
})
