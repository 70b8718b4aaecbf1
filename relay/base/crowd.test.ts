import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockOf } from './address-block.ts'
import { Crowd } from './crowd.ts'

interface Member {
  readonly name: string
  readonly wastesTime?: boolean
}

/** A crowd of members that are named after their address and their turn. */
function crowdOf(...groups: readonly string[]): { crowd: Crowd<Member>; members: Member[] } {
  const crowd = new Crowd<Member>()
  const members = groups.map((group, turn) => ({ name: `${group}#${turn}` }))
  for (const [turn, member] of members.entries()) crowd.add(member, groups[turn] ?? '')
  return { crowd, members }
}

test('a block is the /24 of an IPv4 address and the /48 of an IPv6 /64', () => {
  expect(['203.0.113.7', '2001:db8:5:1::/64', '0:0:0:0::/64', 'unknown'].map(blockOf)).toEqual([
    '203.0.113.0/24',
    '2001:db8:5::/48',
    '0:0:0::/48',
    'unknown',
  ])
})

test('the newest of the address with most gives way', () => {
  const { crowd, members } = crowdOf('10.0.0.1', '10.1.0.1', '10.0.0.1', '10.2.0.1')
  expect(crowd.giveWayTo(members[3] as Member)?.name).toBe('10.0.0.1#2')
})

test('many addresses of one block count as one, and the greediest of them gives way', () => {
  const { crowd, members } = crowdOf('10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.3', '10.1.0.1', '10.1.0.1')
  expect(crowd.giveWayTo(members[5] as Member)?.name).toBe('10.0.0.2#2')
})

test('where a newcomer has as many as anybody it gives way itself', () => {
  const { crowd, members } = crowdOf('10.0.0.1', '10.0.0.1', '10.1.0.1', '10.1.0.1')
  expect(crowd.giveWayTo(members[3] as Member)?.name).toBe('10.1.0.1#3')
  expect(crowd.giveWayTo(members[1] as Member)?.name).toBe('10.0.0.1#1')
})

test('of the greediest, the oldest that wastes its time goes before the newest', () => {
  const crowd = new Crowd<Member>()
  const members = [false, true, true, false].map((wastesTime, turn) => ({ name: `#${turn}`, wastesTime }))
  for (const member of members) crowd.add(member, '10.0.0.1')
  expect(crowd.giveWayTo(members[3] as Member, ({ wastesTime }) => wastesTime === true)?.name).toBe('#1')
})

test('who moves to another address counts there alone, and who has gone nowhere', () => {
  const { crowd, members } = crowdOf('10.0.0.1', '10.0.0.1', '10.1.0.1')
  crowd.add(members[1] as Member, '10.1.0.1')
  expect([crowd.size, crowd.giveWayTo(members[0] as Member)?.name]).toEqual([3, '10.0.0.1#1'])
  crowd.remove(members[1] as Member)
  crowd.remove(members[1] as Member)
  expect([crowd.size, crowd.giveWayTo(members[1] as Member)]).toEqual([2, undefined])
})

test('the oldest of the address with least in the block with least is next', () => {
  const { crowd, members } = crowdOf('10.0.0.1', '10.1.0.1', '10.1.0.2', '10.1.0.2', '10.0.0.1', '10.0.0.1')
  crowd.remove(members[0] as Member)
  expect(crowd.mostModest()?.name).toBe('10.0.0.1#4')
  crowd.remove(members[4] as Member)
  crowd.remove(members[5] as Member)
  expect(crowd.mostModest()?.name).toBe('10.1.0.1#1')
  expect(new Crowd<Member>().mostModest()).toBe(undefined)
})

test('whatever came and went, who gives way is of the greediest block and of the greediest address in it', () => {
  const address = fc.tuple(fc.nat(2), fc.nat(2)).map(([block, host]) => `10.0.${block}.${host}`)
  const step = fc.record({ isLeaving: fc.boolean(), address, which: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const crowd = new Crowd<Member>()
      const here = new Map<Member, string>()
      for (const { isLeaving, address: group, which } of steps) {
        const leaver = [...here.keys()][which]
        if (isLeaving && leaver) {
          here.delete(leaver)
          crowd.remove(leaver)
          continue
        }
        const member = { name: group }
        here.set(member, group)
        crowd.add(member, group)
        const gone = crowd.giveWayTo(member)
        const count = (is: (other: string) => boolean): number => [...here.values()].filter(is).length
        const most = (names: readonly string[], by: (name: string) => number): number =>
          Math.max(...names.map(by))
        const inBlock = (name: string): number => count((other) => blockOf(other) === blockOf(name))
        const names = [...here.values()]
        const itsGroup = here.get(gone as Member) as string
        expect(inBlock(itsGroup)).toBe(most(names, inBlock))
        const neighbours = names.filter((name) => blockOf(name) === blockOf(itsGroup))
        const ofAddress = (name: string): number => count((other) => other === name)
        expect(ofAddress(itsGroup)).toBe(most(neighbours, ofAddress))
        expect(crowd.size).toBe(here.size)
      }
    }),
  )
})
