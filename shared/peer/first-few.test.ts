import { expect, it } from 'vitest'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { firstFew } from './first-few.ts'

/** Each comes after its time; a capital letter is ready, a small one has to load, none fails. */
async function few(...told: readonly (readonly [afterMs: number, what: string | undefined])[]) {
  const clock = new FakeClock()
  const tasks = told.map(async ([afterMs, what]) => {
    await sleep(clock, millis(afterMs))
    return what
  })
  let endedAt: number | undefined
  const ended = firstFew(clock, tasks, (each) => each === each.toUpperCase()).then((came) => {
    endedAt = clock.monotonic()
    return came.join('')
  })
  await clock.advance(60_000)
  return [await ended, endedAt]
}

it.each([
  [
    'one that is ready, and who comes within as long again',
    [
      [160, 'A'],
      [310, 'B'],
      [330, 'C'],
    ],
    'AB',
    320,
  ],
  [
    'a tenth of a second, where the first comes at once',
    [
      [5, 'A'],
      [100, 'B'],
      [110, 'C'],
    ],
    'AB',
    105,
  ],
  [
    'a quarter of a second, where the first takes long',
    [
      [1000, 'A'],
      [1240, 'B'],
      [1260, 'C'],
    ],
    'AB',
    1250,
  ],
  [
    'two seconds for a ready one, where the first has to load',
    [
      [100, 'a'],
      [1500, 'B'],
      [1740, 'c'],
    ],
    'aBc',
    1740,
  ],
  [
    'no longer than that',
    [
      [100, 'a'],
      [300, 'b'],
      [9000, 'C'],
    ],
    'ab',
    2350,
  ],
  ['nobody, where there is nobody else', [[100, 'a']], 'a', 100],
  [
    'all, where all have come',
    [
      [100, 'a'],
      [200, 'b'],
    ],
    'ab',
    200,
  ],
  [
    'the next one, where the first fails',
    [
      [100, undefined],
      [900, 'B'],
      [5000, 'C'],
    ],
    'B',
    1150,
  ],
  [
    'none, where all fail',
    [
      [100, undefined],
      [900, undefined],
    ],
    '',
    900,
  ],
] as const)('waits for %s', async (_, told, came, at) => {
  expect(await few(...told)).toEqual([came, at])
})
