import { expect, it } from 'vitest'
import { auditRate } from './audit-rate.ts'

it('checks all jobs of a newcomer, fewer with each that is right, and never less than one in fifty', () => {
  expect(auditRate(0)).toBe(1)
  expect(auditRate(10)).toBeCloseTo(Math.exp(-1))
  expect(auditRate(39)).toBeGreaterThan(0.02)
  expect(auditRate(40)).toBe(0.02)
  expect(auditRate(10_000)).toBe(0.02)
})
