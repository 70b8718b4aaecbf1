import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../testing/fake-clock.ts'
import { Lingering, type Opened } from './lingering.ts'

function made() {
  const clock = new FakeClock()
  const files = new Lingering<Opened & { readonly turn: number }>(clock)
  const log: string[] = []
  const wants: (() => void)[] = []
  let turns = 0
  const open = async (onWanted: () => void) => {
    const turn = ++turns
    wants.push(onWanted)
    log.push(`open ${turn}`)
    return { turn, close: async () => void log.push(`close ${turn}`) }
  }
  const use = (work: (opened: { turn: number }) => Promise<unknown> = async ({ turn }) => turn) =>
    files.use('a', open, work)
  return { clock, files, log, wants, use }
}

describe('Lingering', () => {
  it('opens once for uses that come soon after one another, and closes when none came for a while', async () => {
    const { clock, files, log, use } = made()
    expect(await Promise.all([use(), use()])).toEqual([1, 1])
    await clock.advance(249)
    expect(await use()).toBe(1)
    await clock.advance(249)
    expect(log).toEqual(['open 1'])
    await clock.advance(1)
    expect(log).toEqual(['open 1', 'close 1'])
    expect(files.isOpen('a')).toBe(false)
    expect(await use()).toBe(2)
  })

  it('closes at once when somebody else wants what it holds', async () => {
    const { clock, log, wants, use } = made()
    await use()
    wants[0]?.()
    await clock.advance(0)
    expect(log).toEqual(['open 1', 'close 1'])
  })

  it('ends what is under way first, and lets nobody begin before who wants it', async () => {
    const { log, wants, use } = made()
    const working = Promise.withResolvers<undefined>()
    const first = use(() => working.promise)
    await use()
    wants[0]?.()
    wants[0]?.()
    expect(await use(), 'opened anew').toBe(2)
    expect(log).toEqual(['open 1', 'open 2'])
    working.resolve(undefined)
    await first
    expect(log).toEqual(['open 1', 'open 2', 'close 1'])
  })

  it('is opened anew from time to time, whatever word was lost', async () => {
    const { clock, log, use } = made()
    for (let turn = 0; turn < 13; turn++) {
      await use()
      await clock.advance(100)
    }
    expect(log).toEqual(['open 1', 'close 1', 'open 2'])
  })

  it('closes after a use that failed, and tries again after one that could not be opened', async () => {
    const { files, log, use } = made()
    await expect(use(() => Promise.reject(new Error('torn')))).rejects.toThrow('torn')
    expect(log).toEqual(['open 1', 'close 1'])
    const refused = files.use(
      'a',
      () => Promise.reject(new Error('busy')),
      () => Promise.resolve(),
    )
    await expect(refused).rejects.toThrow('busy')
    expect(await use()).toBe(2)
  })
})
