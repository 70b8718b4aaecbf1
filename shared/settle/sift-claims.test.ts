import fc from 'fast-check'
import { expect, it } from 'vitest'
import { siftClaims, type TryClaims } from './sift-claims.ts'

/** A chain that refuses these numbers, and says which or not. */
const refusing =
  (bad: ReadonlySet<number>, saysWhere: (n: number) => boolean = () => true): TryClaims<number> =>
  async (batch) => {
    const index = batch.findIndex((each) => bad.has(each))
    if (index < 0) return undefined
    return { name: 'StaleVoucher', index: saysWhere(batch[index] ?? 0) ? index : undefined }
  }
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

it('parts what the chain takes from what it refuses, whether or not it says which', async () => {
  const bad = fc.uniqueArray(fc.integer({ min: 0, max: 99 }))
  await fc.assert(
    fc.asyncProperty(bad, fc.boolean(), fc.integer({ min: 0, max: 100 }), async (spoilers, says, count) => {
      const all = numbers(count)
      const spoilt = new Set(spoilers)
      const { good, refused } = await siftClaims(
        all,
        refusing(spoilt, (n) => says || n % 2 === 0),
        1000,
      )
      expect(good).toEqual(all.filter((each) => !spoilt.has(each)))
      expect(new Set(refused.keys())).toEqual(new Set(all.filter((each) => spoilt.has(each))))
    }),
  )
})

it('needs one question for a batch that is good, and two for one that names its spoiler', async () => {
  let asked = 0
  const counted =
    (chain: TryClaims<number>): TryClaims<number> =>
    (batch) => {
      asked++
      return chain(batch)
    }
  await siftClaims(numbers(100), counted(refusing(new Set())))
  expect(asked).toBe(1)
  await siftClaims(numbers(100), counted(refusing(new Set([3]))))
  expect(asked).toBe(3)
})

it('keeps what it knows to be good when its questions are used up', async () => {
  const { good, refused } = await siftClaims(numbers(10), refusing(new Set([2, 4, 6])), 2)
  expect([good, [...refused.keys()]]).toEqual([
    [0, 1, 3],
    [2, 4],
  ])
})

it('takes a half where both are good and together are too much', async () => {
  const tooMuch: TryClaims<number> = async (batch) =>
    batch.length > 60 ? { name: 'unknown', index: undefined } : undefined
  const { good, refused } = await siftClaims(numbers(100), tooMuch)
  expect([good, refused.size]).toEqual([numbers(50), 0])
})

it('throws on when the chain does not answer', async () => {
  await expect(siftClaims([1], () => Promise.reject(new Error('silent')))).rejects.toThrow('silent')
})
