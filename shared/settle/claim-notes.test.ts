import { describe, expect, it } from 'vitest'
import { modelHash } from '../base/ids.ts'
import { baseUnits, epochMillis } from '../base/units.ts'
import { someAddress } from '../testing/payments.ts'
import { ClaimNotes, utcDay, type ClaimState, type LookInit } from './claim-notes.ts'
import type { HeldVoucher } from './payee-ledger.ts'

const look: LookInit = { most: 256, day: 7, maxRest: 64 }

function held(model: number, cumulative = 100n, claimed = 0n): HeldVoucher {
  return {
    voucher: {
      ...{ payer: someAddress('a1'), provider: someAddress('b2'), relay: someAddress('d4'), epoch: 0 },
      model: modelHash(model.toString(16).padStart(64, '0')),
      cumulative: baseUnits(cumulative),
    },
    signer: someAddress('a1'),
    signature: new Uint8Array(64),
    claimed: baseUnits(claimed),
    sessionExpiry: undefined,
  }
}

/** In which of so many looks a voucher is asked about that is always found to be so. */
function asked(state: ClaimState, looks: number, days: (i: number) => number = () => 7): readonly number[] {
  const notes = new ClaimNotes()
  const one = held(1)
  return Array.from({ length: looks }, (_, i) => i).filter((i) => {
    const [picked] = notes.pick([one], { ...look, day: days(i) })
    if (picked) notes.note(picked, state)
    return picked !== undefined
  })
}

describe('the notes on vouchers', () => {
  it('ask ever less often about one that brings nothing, and always about one that may', () => {
    expect(asked('worthless', 40)).toEqual([0, 2, 6, 14, 30])
    expect(asked('refused', 10)).toEqual([0, 2, 6])
    expect(asked('waiting', 4)).toEqual([0, 1, 2, 3])
    expect(asked('due', 4)).toEqual([0, 1, 2, 3])
    expect(asked('void', 4), 'it is dropped only when that is sure').toEqual([0, 1, 2, 3])
  })

  it('never pass one over for longer than they are told', () => {
    const notes = new ClaimNotes()
    const looks = Array.from({ length: 40 }, (_, i) => i).filter(() => {
      const [picked] = notes.pick([held(1)], { ...look, maxRest: 4 })
      if (picked) notes.note(picked, 'worthless')
      return picked !== undefined
    })
    expect(looks).toEqual([0, 2, 6, 10, 14, 18, 22, 26, 30, 34, 38])
  })

  it('ask anew on each day where a day’s cap was used up', () => {
    expect(asked('over-cap', 12, (i) => (i < 10 ? 7 : 8))).toEqual([0, 2, 6, 10])
    expect(asked('worthless', 12, (i) => (i < 10 ? 7 : 8))).toEqual([0, 2, 6])
  })

  it('ask about a new one first, also where a box is full of others', () => {
    const notes = new ClaimNotes()
    const many = Array.from({ length: 299 }, (_, i) => held(i + 10))
    const few = { ...look, most: 100 }
    for (const each of notes.pick(many, few)) notes.note(each, 'due')
    const fresh = held(1)
    const second = notes.pick([...many, fresh], few)
    expect(second).not.toContain(many[0])
    for (const each of second) notes.note(each, 'due')
    for (const each of notes.pick([...many, fresh], few)) notes.note(each, 'due')
    expect([...many, fresh].map((each) => notes.stateOf(each))).not.toContain('unseen')
    // Then those that were noted longest ago.
    expect(notes.pick([...many, fresh], few)[0]).toBe(many[0])
  })

  it('begin anew with a higher voucher, and when more was claimed', () => {
    const notes = new ClaimNotes()
    notes.pick([held(1)], look)
    notes.note(held(1), 'worthless')
    expect(notes.stateOf(held(1))).toBe('worthless')
    expect(notes.stateOf(held(1, 200n))).toBe('unseen')
    expect(notes.stateOf(held(1, 100n, 50n))).toBe('unseen')
    expect(notes.stateOf(held(1, 100n, 100n))).toBe('carried')
    expect(notes.pick([held(1)], look)).toEqual([])
    expect(notes.pick([held(1, 200n)], look)).toHaveLength(1)
  })

  it('keep what rests at rest while a look goes on', () => {
    const notes = new ClaimNotes()
    notes.pick([held(1)], { ...look, maxRest: 1 })
    notes.note(held(1), 'refused')
    expect(notes.pick([held(1)], { ...look, maxRest: 1, goesOn: true })).toEqual([])
    expect(notes.pick([held(1)], { ...look, maxRest: 1 })).toHaveLength(1)
  })

  it('forget who is gone', () => {
    const notes = new ClaimNotes()
    notes.pick([held(1)], look)
    notes.note(held(1), 'refused')
    notes.pick([], look)
    expect(notes.stateOf(held(1))).toBe('unseen')
  })
})

it('counts days as the escrow does', () => {
  expect(utcDay(epochMillis(Date.UTC(2027, 0, 2) - 1))).toBe(utcDay(epochMillis(Date.UTC(2027, 0, 1))))
  expect(utcDay(epochMillis(Date.UTC(1970, 0, 8)))).toBe(7)
})
