import { describe, expect, it } from 'vitest'
import { jobId } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import { checkOf } from '../testing/checks.ts'
import { named } from '../testing/samples.ts'
import { byJob, markOf, MAX_CHECKS_PER_TURN, withCheck, type JobCheck } from './check-record.ts'

const at = (ms: number) => ({ at: epochMillis(ms) })
const second = { jobId: jobId('02'.repeat(16)), provider: named('cccccc'), from: 40 }
const uncheckable: JobCheck = { ...checkOf(), found: undefined }

describe('the mark of an answer', () => {
  it('is not checked before anybody has, and while a signed part is left out', () => {
    expect(markOf(undefined, 40)).toBe('none')
    expect(markOf([checkOf()], 80)).toBe('none')
    expect(markOf([checkOf()], 40)).toBe('agrees')
  })

  it('is the worst of its parts, each judged by itself', () => {
    const [good, bad] = [checkOf(), checkOf({ ...second, outcome: 'differs', difference: 'tokens' })]
    expect(markOf([good, checkOf(second)], 80)).toBe('agrees')
    expect(markOf([good, bad], 80)).toBe('differs')
    expect(markOf([good, bad], 120), 'a part is left out, and yet it differs').toBe('differs')
    const open = checkOf({ ...second, outcome: 'inconclusive', reason: 'withheld' })
    expect(markOf([good, open], 80)).toBe('inconclusive')
    expect(markOf([uncheckable, checkOf(second)], 80)).toBe('uncheckable')
    expect(byJob([bad, good]).map(({ from, outcome }) => [from, outcome])).toEqual([
      [0, 'agrees'],
      [40, 'differs'],
    ])
  })

  it('takes this tab’s own word before a stranger’s, and a stranger’s accusation before another’s praise', () => {
    const accused = checkOf({ outcome: 'differs', difference: 'sketches', ...at(1) })
    expect(markOf([accused, checkOf({ verifier: 'dddddd', ...at(2) })], 40)).toBe('differs')
    const own = checkOf({ by: 'self', verifier: 'myself', ...at(3) })
    expect(markOf([accused, own], 40)).toBe('agrees')
    const undecided = checkOf({
      by: 'self',
      verifier: 'myself',
      outcome: 'inconclusive',
      reason: 'too-short',
    })
    expect(markOf([accused, undecided], 40)).toBe('differs')
    expect(markOf([undecided], 40)).toBe('inconclusive')
  })
})

it('keeps the last word of each verifier on each job, and no more than there is room for', () => {
  const [before, after] = [checkOf({ outcome: 'inconclusive', reason: 'withheld' }), checkOf(at(2))]
  expect(withCheck([before], after)).toEqual([after])
  expect(withCheck([uncheckable], after), 'what could not be checked was').toEqual([after])
  let all: readonly JobCheck[] = []
  for (let i = 0; i < 2 * MAX_CHECKS_PER_TURN; i++)
    all = withCheck(all, checkOf({ verifier: `v${String(i).padStart(5, '0')}` }))
  expect(all).toHaveLength(MAX_CHECKS_PER_TURN)
})
