import { expect, it } from 'vitest'
import { jobId } from '#shared/base/ids.ts'
import { INCONCLUSIVE_REASONS, DIFFERENCES } from '#shared/verify/verdict.ts'
import { checkOf } from '../../../state/testing/checks.ts'
import { named } from '../../../state/testing/samples.ts'
import { MARKS } from '../mark-words.ts'
import {
  cancelWords,
  causeWords,
  leadWords,
  reasonWords,
  selfWords,
  stepWords,
  strangerWords,
} from './words.ts'

it('names who read the answer again, and accuses nobody without need', () => {
  const [peer, self] = [checkOf(), checkOf({ by: 'self', verifier: 'myself' })]
  expect(leadWords('agrees', [peer])).toMatch(/^A stranger’s computer read .* That is one stranger’s word\.$/)
  expect(leadWords('agrees', [self])).toMatch(/^This tab read/)
  expect(leadWords('agrees', [peer, self])).toMatch(/^This tab and a stranger’s computer read/)
  expect(leadWords('agrees', [peer, checkOf({ verifier: 'dddddd' })])).toMatch(
    /^2 strangers’ computers read .* Each is a stranger’s word\.$/,
  )
  expect(leadWords('differs', [peer])).toMatch(/need not be a cheat/)
  expect(leadWords('inconclusive', [peer])).toMatch(/accuses nobody/)
  expect(leadWords('none', [peer])).toMatch(/^A part/)
})

it('says why an answer is checked that nobody pressed for', () => {
  const [pressed, wanted] = [checkOf(), { ...checkOf(), cause: 'wanted' as const }]
  expect(causeWords(undefined, [pressed])).toBeUndefined()
  expect(causeWords({ cause: undefined }, [wanted]), 'the one that runs was pressed for').toBeUndefined()
  expect(causeWords({ cause: 'share' }, [])).toMatch(/share of your answers/)
  expect(causeWords(undefined, [wanted, pressed])).toMatch(/^Nobody pressed for it/)
})

const differing = { outcome: 'differs', difference: 'tokens' } as const

it('counts for an outcome those alone who found it', () => {
  const accusing = checkOf({ verifier: 'dddddd', ...differing })
  const mixed = leadWords('differs', [checkOf(), accusing])
  expect(mixed).toMatch(/^A stranger’s computer read this answer again, and found something else/)
  expect(mixed).toMatch(/Another stranger found that it agrees\. .* can be wrong or lie\.$/)
  const own = checkOf({ by: 'self', verifier: 'myself' })
  expect(leadWords('agrees', [accusing, own])).toMatch(/^This tab read .* A stranger said that it differs;/)
  const ownFound = leadWords('differs', [
    checkOf(),
    checkOf({ by: 'self', verifier: 'myself', ...differing }),
  ])
  expect(ownFound).toMatch(/^This tab read/)
  expect(ownFound).not.toMatch(/lie|Another/)
  const second = checkOf({ jobId: jobId('02'.repeat(16)), from: 40, ...differing })
  expect(leadWords('differs', [checkOf(), second])).toMatch(/read 1 of the 2 parts of this answer again/)
  expect(leadWords('differs', [checkOf(), second])).not.toMatch(/agrees/)
})

it.each(Object.keys(MARKS) as (keyof typeof MARKS)[])('says the mark "%s" in whole sentences', (mark) => {
  expect(leadWords(mark, [checkOf()])).toMatch(/^[A-Z].*\.$/)
})

it('has a sentence for each reason and each difference', () => {
  for (const reason of INCONCLUSIVE_REASONS)
    expect(reasonWords(checkOf({ outcome: 'inconclusive', reason }).found!)).toMatch(/^[A-Z].*\.$/)
  for (const difference of DIFFERENCES)
    expect(reasonWords(checkOf({ outcome: 'differs', difference }).found!)).toMatch(/^[A-Z].*\.$/)
  expect(reasonWords(checkOf().found!)).toBeUndefined()
})

it('says before the press what a check costs, and that one more stranger reads the prompt', () => {
  expect(strangerWords(2_400_000_000_000n, 60, 'Tiny')).toBe(
    'One more stranger reads your prompt and the answer, and says what it found. It costs at most 0.0000024 INF for 60 tokens to read.',
  )
  expect(strangerWords(0n, 60, 'Tiny')).toMatch(/It is free\.$/)
  expect(strangerWords(undefined, 60, 'Tiny')).toMatch(/^Nobody else lends Tiny/)
  expect(selfWords(true, 'Tiny')).toMatch(/Nobody else sees your prompt/)
  expect(selfWords(false, 'Tiny')).toMatch(/^This tab does not have Tiny/)
})

it('says while a check that costs runs that cancelling brings nothing back, and of one that is free nothing', () => {
  expect(cancelWords({ cost: 1n })).toBe(
    'A stranger is paid before it reads. Cancelling brings no payment back.',
  )
  expect(cancelWords({ cost: 0n })).toBe('')
})

it('says where a check stands, and which part of the answer it is about', () => {
  const going = {
    by: 'peer' as const,
    job: 1,
    jobs: 3,
    verifier: named('bbbbbb'),
    cost: 0n,
    loading: undefined,
  }
  expect(stepWords({ ...going, step: 'reading' })).toBe(
    'Part 2 of 3: bbbbbb reads the prompt and the answer again.',
  )
  expect(stepWords({ ...going, jobs: 1, step: 'reading' }), 'a name keeps its case').toMatch(/^bbbbbb reads/)
  expect(stepWords({ ...going, jobs: 1, step: 'searching' })).toMatch(/^Looking for/)
  expect(stepWords({ ...going, by: 'self', jobs: 1, step: 'reading' })).toMatch(/^This tab reads/)
})
