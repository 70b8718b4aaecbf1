import { expect, it } from 'vitest'
import { baseUnits, epochMillis } from '#shared/base/units.ts'
import { checkOf, verdictOf } from '../../../state/testing/checks.ts'
import { checkLabel, checkOutcome, findingRows, formatLogits, shortHex } from './finding-words.ts'

const row = (rows: ReturnType<typeof findingRows>, name: string) =>
  rows.find((each) => each.name === name)?.value

it('tells what was found in numbers, and marks a stranger’s word as one', () => {
  const findings = {
    ...verdictOf().findings,
    ...{ margins: [36, 2, 1, 1] as const, largestMargin: 0.01312, opened: 0 },
  }
  const rows = findingRows(checkOf({ findings, cost: baseUnits(0n), at: epochMillis(0) }).found!)
  expect(row(rows, 'Drawn the same')).toBe('36 of 40, 2 near, 1 far, 1 beyond')
  expect(row(rows, 'Largest margin')).toBe('0.0131 logits')
  expect(row(rows, 'Sketches opened')).toBe('0 of 40')
  expect(row(rows, 'Sketch distance')).toBeUndefined()
  expect(row(rows, 'Cost')).toBe('free')
  expect(row(rows, 'Class, as it says')).toBe('CPU')
  const own = findingRows(checkOf({ by: 'self' }).found!)
  expect(row(own, 'Class')).toBe('CPU')
  expect(row(own, 'Engine')).toBe('onnxruntime-web 1.30.0')
  expect(row(own, 'Sketch distance')).toBe('0.0021 logits')
  expect(row(own, 'Largest of one')).toBe('0.0064 logits')
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

it('tells checks apart by who made them and of which part', () => {
  expect(checkLabel(checkOf(), undefined)).toBe('by bbbbbb')
  expect(checkLabel(checkOf({ by: 'self' }), { from: 12, tokens: 20 })).toBe('tokens 13 to 32, by this tab')
  expect(checkLabel({ ...checkOf(), found: undefined }, undefined)).toBe('by nobody; aaaaaa wrote it')
  expect(checkOutcome({ ...checkOf(), found: undefined })).toBe('uncheckable')
})
