import { expect, it } from 'vitest'
import { baseUnits, epochMillis } from '#shared/base/units.ts'
import { INCONCLUSIVE_REASONS, DIFFERENCES } from '#shared/verify/verdict.ts'
import { checkOf, verdictOf } from '../../../state/testing/checks.ts'
import { named } from '../../../state/testing/samples.ts'
import { MARKS } from '../mark-words.ts'
import {
  causeWords,
  findingRows,
  formatLogits,
  leadWords,
  reasonWords,
  selfWords,
  shortHex,
  stepWords,
  strangerWords,
} from './words.ts'

const row = (rows: ReturnType<typeof findingRows>, name: string) =>
  rows.find((each) => each.name === name)?.value

it('names who read the answer again, and accuses nobody without need', () => {
  const [peer, self] = [checkOf(), checkOf({ by: 'self', verifier: 'myself' })]
  expect(leadWords('agrees', [peer])).toMatch(/^A stranger’s computer read/)
  expect(leadWords('agrees', [self])).toMatch(/^This tab read/)
  expect(leadWords('agrees', [peer, self])).toMatch(/^This tab and a stranger’s computer read/)
  expect(leadWords('agrees', [peer, checkOf({ verifier: 'dddddd' })])).toMatch(/^Strangers’ computers read/)
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

it('tells what was found in numbers, and marks a stranger’s word as one', () => {
  const findings = {
    ...verdictOf().findings,
    ...{ margins: [36, 2, 1, 1] as const, largestMargin: 0.01312, opened: 0 },
  }
  const rows = findingRows(checkOf({ findings, cost: baseUnits(0n), at: epochMillis(0) }).found!)
  expect(row(rows, 'Drawn the same')).toBe('36 of 40, 2 near, 1 far, 1 not possible')
  expect(row(rows, 'Largest margin')).toBe('0.0131 logits')
  expect(row(rows, 'Sketch distance')).toBe('none was opened')
  expect(row(rows, 'Cost')).toBe('free')
  expect(row(rows, 'Class, as it says')).toBe('CPU, onnxruntime-web 1.30.0')
  const own = findingRows(checkOf({ by: 'self' }).found!)
  expect(row(own, 'Class')).toBe('CPU, onnxruntime-web 1.30.0')
  expect(row(own, 'Sketch distance')).toBe('0.0021 logits over 40 tokens, 0.0064 at most')
})

it('says before the press what a check costs, and that one more stranger reads the prompt', () => {
  expect(strangerWords(2_400_000_000_000n, 60, 'Tiny')).toBe(
    'One more stranger reads your prompt and the answer. It costs at most 0.0000024 INF for 60 tokens to read.',
  )
  expect(strangerWords(0n, 60, 'Tiny')).toMatch(/It is free\.$/)
  expect(strangerWords(undefined, 60, 'Tiny')).toMatch(/^Nobody else lends Tiny/)
  expect(selfWords(true, 'Tiny')).toMatch(/Nobody else sees your prompt/)
  expect(selfWords(false, 'Tiny')).toMatch(/^This tab does not have Tiny/)
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
  expect(stepWords({ ...going, by: 'self', jobs: 1, step: 'reading' })).toMatch(/^This tab reads/)
})

it('writes small numbers so that they can be compared', () => {
  expect([0, 0.00001, 0.0021, 1.5, 14.2].map(formatLogits)).toEqual([
    '0',
    'under 0.0001',
    '0.0021',
    '1.5',
    '14.2',
  ])
  expect(shortHex(new Uint8Array(64).fill(0xab))).toBe('abababab…abab')
})
