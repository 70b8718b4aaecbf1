import { expect, it } from 'vitest'
import { memoizeAsync } from './memoize-async.ts'

it('loads each thing once, and a failed one again', async () => {
  let loads = 0
  const load = memoizeAsync(async (key: string) => {
    loads++
    if (key === 'broken') throw new Error('no')
    return key.length
  })
  expect(await Promise.all([load('abc'), load('abc')])).toEqual([3, 3])
  expect(loads).toBe(1)
  await expect(load('broken')).rejects.toThrow('no')
  await expect(load('broken')).rejects.toThrow('no')
  expect(loads).toBe(3)
})
