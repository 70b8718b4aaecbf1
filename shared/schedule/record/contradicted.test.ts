import { expect, describe, it } from 'vitest'
import type { PeerName } from '../../base/ids.ts'
import { alice, auditors, job, other, provider, recordScene } from '../../testing/record-scene.ts'
import type { CheckOutcome } from './heard.ts'
import type { ProviderRecord } from './provider-record.ts'

describe('a verifier that one’s own engine contradicts', () => {
  const asked = (
    record: ProviderRecord,
    outcome: CheckOutcome,
    digit: string,
    difference = 'tokens' as const,
  ) =>
    record.checked(provider, {
      ...{ jobId: job(digit), outcome, difference: outcome === 'differs' ? difference : undefined },
      ...{ by: 'peer', verifier: alice },
    })
  const standingOf = (record: ProviderRecord, peer: PeerName) =>
    record.standingOf({ provider: peer, selfTest: { right: 1, total: 1 } })

  it.each([
    ['agrees', 'differs'],
    ['differs', 'agrees'],
  ] as const)(
    'says that it %s where this engine finds that it %s: it is asked last, then never',
    (said, found) => {
      const { own, record } = recordScene()
      const before = record.of('text-generation').beliefsIn(alice).integrity
      asked(record, said, '1')
      own(found, '1')
      expect(standingOf(record, alice)).toBe('quarantined')
      expect(record.of('text-generation').beliefsIn(alice).integrity).toBeLessThan(before / 5)
      own(found, '1') // once an answer
      expect(record.explain(alice)).toContainEqual({ code: 'contradicted', facts: { verdicts: 1 } })
      own(found, '2')
      asked(record, said, '2') // in whatever order
      expect(standingOf(record, alice)).toBe('excluded')
      expect(record.explain(alice)).toContainEqual({ code: 'contradicted', facts: { verdicts: 2 } })
    },
  )

  it('is not one whom it confirms, nor one that decided nothing, nor one to whom other openings were shown', () => {
    const { own, record } = recordScene()
    asked(record, 'agrees', '1')
    own('agrees', '1')
    asked(record, 'inconclusive', '2')
    own('differs', '2')
    asked(record, 'agrees', '3')
    record.checked(provider, {
      ...{ jobId: job('3'), outcome: 'differs', difference: 'openings', by: 'self', verifier: undefined },
    })
    expect(standingOf(record, alice)).toBe('open')
  })

  it('may also be an auditor who tells', () => {
    const { own, tells, record } = recordScene(auditors)
    own('agrees', '1')
    tells(alice, 'differs', '1')
    tells(other, 'differs', '1')
    expect([alice, other].map((peer) => standingOf(record, peer))).toEqual(['quarantined', 'open'])
    expect(standingOf(record, provider), 'one’s own engine knows better').toBe('open')
  })
})
