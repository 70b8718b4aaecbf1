import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crowdOf, victimOf, type Kept } from './fair-eviction.ts'

const kept = (owner: string, group: string, sequence: number, isStaked = false): Kept => ({
  ...{ owner, group, sequence, isStaked },
})

describe('who has to go from a full book', () => {
  it('is of the largest crowd: its newest where the older stay, its eldest where the newer do', () => {
    const entries = [kept('a', 'x', 1), kept('b', 'y', 2), kept('c', 'y', 3), kept('d', 'y', 4)]
    expect(victimOf(entries, 'older')?.owner).toBe('d')
    expect(victimOf(entries, 'newer')?.owner).toBe('b')
    expect(victimOf([], 'older')).toBeUndefined()
  })

  it('is one without stake as long as there is any, however many entries a staked one has', () => {
    const staked = [1, 2, 3].map((at) => kept('rich', 'x', at, true))
    expect(victimOf([...staked, kept('poor', 'x', 4)], 'older')?.owner).toBe('poor')
    expect(victimOf([kept('poor', 'x', 0), ...staked], 'newer')?.owner).toBe('poor')
    expect(victimOf([...staked, kept('other', 'x', 9, true)], 'older')?.sequence).toBe(3)
  })

  it('leaves a crowd that is smaller than its share alone, whatever the others do', () => {
    const names = fc.array(fc.record({ owner: fc.string(), group: fc.constantFrom('p', 'q', 'r') }), {
      minLength: 30,
      maxLength: 60,
    })
    fc.assert(
      fc.property(names, fc.constantFrom('older' as const, 'newer' as const), (strangers, keeps) => {
        const honest = [kept('h1', 'home', 1), kept('h2', 'home', 2)]
        let book = [...honest]
        for (const [at, each] of strangers.entries()) {
          book.push(kept(each.owner, each.group, at + 3))
          while (book.length > 12) {
            const victim = victimOf(book, keeps)
            book = book.filter((entry) => entry !== victim)
          }
        }
        expect(book).toEqual(expect.arrayContaining(honest))
        const sizes = ['p', 'q', 'r', 'home'].map(
          (group) => book.filter((each) => crowdOf(each) === `group ${group}`).length,
        )
        expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
      }),
    )
  })
})
