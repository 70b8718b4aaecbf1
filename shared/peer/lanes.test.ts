import { describe, expect, it } from 'vitest'
import { millis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { firstFew } from './first-few.ts'
import { Lanes, type Tried } from './lanes.ts'

interface Candidate {
  readonly afterMs: number
  readonly comes: Tried<string>
}
const gone = (afterMs = 1): Candidate => ({ afterMs, comes: 'next' })
const refusing: Candidate = { afterMs: 1, comes: undefined }

async function tryAll(candidates: readonly Candidate[]) {
  const clock = new FakeClock()
  let [tried, at, most] = [0, 0, 0]
  const tryOne = async ({ afterMs, comes }: Candidate): Promise<Tried<string>> => {
    tried++
    most = Math.max(most, ++at)
    await sleep(clock, millis(afterMs))
    at--
    return comes
  }
  const lanes = new Lanes(candidates, tryOne, { first: 4, most: 12, eachMs: 500 })
  let tookMs = Number.NaN
  const over = firstFew(clock, lanes.start(clock), () => true).then((came) => {
    lanes.stop()
    tookMs = clock.monotonic()
    return came
  })
  await clock.advance(60_000)
  return { came: await over, tried, most, tookMs }
}

describe('candidates that are tried in lanes', () => {
  it('are replaced where they are not there', async () => {
    const { came, tried, tookMs } = await tryAll([
      ...Array.from({ length: 32 }, () => gone()),
      { afterMs: 5, comes: 'A' },
    ])
    expect({ came, tried }).toEqual({ came: ['A'], tried: 33 })
    expect(tookMs).toBeLessThan(20)
  })

  it('are four and no more where they refuse', async () => {
    const { came, tried, tookMs } = await tryAll(Array.from({ length: 9 }, () => refusing))
    expect({ came, tried, tookMs }).toEqual({ came: [], tried: 4, tookMs: 1 })
  })

  it('are joined by more while those who are tried say nothing, by twelve at most', async () => {
    const hanging = Array.from({ length: 20 }, () => gone(14_000))
    expect(await tryAll([...hanging.slice(0, 6), { afterMs: 5, comes: 'A' }, ...hanging])).toMatchObject({
      ...{ came: ['A'], tried: 7, tookMs: 1755 },
    })
    expect((await tryAll(hanging)).most).toBe(12)
  })

  it('end together with the first that comes', async () => {
    const four = ['A', 'B', 'C', 'D'].map((comes): Candidate => ({ afterMs: 5, comes }))
    expect(await tryAll([...four, gone(), gone()])).toMatchObject({
      came: ['A', 'B', 'C', 'D'],
      tried: 4,
      tookMs: 5,
    })
  })
})
