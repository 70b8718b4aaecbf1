import { describe, expect, it } from 'vitest'
import type { ModelHash } from '../../base/ids.ts'
import { epochMillis } from '../../base/units.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { someModel } from '../../testing/peers.ts'
import { alice, auditors, job, provider, recordScene } from '../../testing/record-scene.ts'
import type { ProviderRecord } from './provider-record.ts'

const [first, second] = [someModel('a'), someModel('b')]

function standing(record: ProviderRecord, model: ModelHash | undefined, testedAt = 0): string {
  const selfTest = { right: 1, total: 1, testedAt: epochMillis(testedAt) }
  return record.standingOf({ provider, selfTest, ...(model && { model }) })
}

/** A peer that this consumer asked says so. */
function finds(record: ProviderRecord, model: ModelHash, digit: string): void {
  record.checked(provider, {
    ...{ jobId: job(digit), model, outcome: 'differs', difference: 'tokens', by: 'peer', verifier: alice },
  })
}

describe('a quarantine', () => {
  it('holds for the model of the answer that differs alone, and ends with a self-test of that one', () => {
    const { record, clock } = recordScene()
    finds(record, first, '1')
    expect([first, second, undefined].map((model) => standing(record, model))).toEqual([
      ...['quarantined', 'open', 'quarantined'],
    ])
    expect(standing(record, first, clock.now() + 1)).toBe('open')
    expect(record.explain(provider)[0]).toMatchObject({ code: 'quarantined', facts: { model: first } })
  })

  it('holds for all where answers of two models differ, or the model is not known', () => {
    const two = recordScene()
    finds(two.record, first, '1')
    finds(two.record, second, '2')
    expect([first, second].map((model) => standing(two.record, model))).toEqual([
      'quarantined',
      'quarantined',
    ])
    const unknown = recordScene()
    unknown.record.stoppedEarly(provider, job('1'))
    expect([first, second].map((model) => standing(unknown.record, model))).toEqual([
      ...['quarantined', 'quarantined'],
    ])
  })

  it('is not lifted from one model by an auditor’s older word about another', () => {
    const { record, clock } = recordScene(auditors)
    finds(record, first, '1')
    record.told({
      ...{ provider, verifier: alice },
      verdict: {
        ...{ jobId: job('2'), model: second, outcome: 'differs', difference: 'tokens' },
        ...{ class: { backend: 'wasm' }, at: epochMillis(clock.now() - 1000) },
      },
    })
    expect([first, second].map((model) => standing(record, model))).toEqual(['quarantined', 'quarantined'])
  })

  it('of somebody’s word ends where this consumer’s own engine agrees on that model, and not on another', () => {
    const { record } = recordScene()
    finds(record, first, '1')
    const agrees = (model: ModelHash, digit: string): void =>
      record.checked(provider, {
        ...{ jobId: job(digit), model, outcome: 'agrees', difference: undefined },
        ...{ by: 'self', verifier: undefined },
      })
    agrees(second, '2')
    expect(standing(record, first)).toBe('quarantined')
    agrees(first, '3')
    expect(standing(record, first)).toBe('open')
  })

  it('excludes the provider whatever the models of two confirmed differences', () => {
    const { record } = recordScene()
    for (const [digit, model] of [first, second].entries())
      record.checked(provider, {
        ...{ jobId: job(String(digit)), model, outcome: 'differs', difference: 'tokens' },
        ...{ by: 'self', verifier: undefined },
      })
    expect([first, second, someModel('c')].map((model) => standing(record, model, 1e15))).toEqual([
      ...['excluded', 'excluded', 'excluded'],
    ])
  })

  it('is stored with its model, read from a record without one for all, and joined from two tabs', async () => {
    const clock = new FakeClock()
    const one = recordScene({}, { clock })
    const base = one.record.toStored()
    finds(one.record, first, '1')
    const stored = structuredClone(one.record.toStored())
    expect(standing(recordScene({}, { clock, stored }).record, second)).toBe('open')
    const [entry] = stored.providers as [{ quarantine: { model?: unknown } }]
    const { model: _, ...before } = entry.quarantine
    const old = { providers: [{ ...entry, quarantine: before }] }
    expect(standing(recordScene({}, { clock, stored: old }).record, second)).toBe('quarantined')
    const other = recordScene({}, { clock })
    finds(other.record, second, '2')
    other.record.merge(base, stored)
    expect([first, second].map((model) => standing(other.record, model))).toEqual([
      ...['quarantined', 'quarantined'],
    ])
  })
})
