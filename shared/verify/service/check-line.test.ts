import { beforeEach, describe, expect, it } from 'vitest'
import type { ModelHash } from '../../base/ids.ts'
import { someModel } from '../../testing/peers.ts'
import { CheckLine } from './check-line.ts'
import { MAX_INTERRUPTIONS, MAX_WAITING_CHECKS } from './constants.ts'

const MODEL = someModel()
const OTHER = someModel('b')
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

describe('CheckLine', () => {
  let full: Set<ModelHash>
  let line: CheckLine
  let begun: string[]
  let signal: AbortSignal
  beforeEach(() => {
    full = new Set()
    line = new CheckLine((model) => !full.has(model))
    begun = []
    signal = new AbortController().signal
  })

  /** A reading that ends when it is told to, or when it is interrupted. */
  const reading = (name: string, model = MODEL, own = signal) => {
    const end = Promise.withResolvers<string>()
    const done = line.run(
      model,
      (stop) => {
        begun.push(name)
        return Promise.race([
          end.promise,
          new Promise<string>((_, reject) =>
            stop.addEventListener('abort', () => reject(new Error('stopped'))),
          ),
        ])
      },
      { signal: own },
    )
    done.catch(() => undefined)
    return { done, end: () => end.resolve(name) }
  }

  it('reads one check after the other, in the order in which they came', async () => {
    const [first, second] = [reading('first'), reading('second')]
    await settle()
    expect(begun).toEqual(['first'])
    first.end()
    await expect(first.done).resolves.toBe('first')
    await settle()
    expect(begun).toEqual(['first', 'second'])
    second.end()
    await expect(second.done).resolves.toBe('second')
    expect(line).toMatchObject({ waiting: 0, running: 0 })
  })

  it('waits while jobs need every place, and lets a check of another model go first', async () => {
    full.add(MODEL)
    const [waits, goes] = [reading('waits'), reading('goes', OTHER)]
    await settle()
    expect(begun).toEqual(['goes'])
    goes.end()
    await goes.done
    await settle()
    expect(begun).toEqual(['goes'])
    full.clear()
    line.jobsChanged()
    await settle()
    expect(begun).toEqual(['goes', 'waits'])
    waits.end()
    await waits.done
  })

  it('makes room for a job, and reads anew before those who came later', async () => {
    const [first, second] = [reading('first'), reading('second')]
    await settle()
    full.add(MODEL)
    line.jobsChanged()
    await settle()
    expect(line).toMatchObject({ waiting: 2, running: 0 })
    full.clear()
    line.jobsChanged()
    await settle()
    expect(begun).toEqual(['first', 'first'])
    first.end()
    second.end()
    await expect(first.done).resolves.toBe('first')
    await expect(second.done).resolves.toBe('second')
  })

  it('gives up a check that jobs interrupt again and again', async () => {
    const { done } = reading('first')
    for (let i = 0; i < MAX_INTERRUPTIONS; i++) {
      await settle()
      full.add(MODEL)
      line.jobsChanged()
      await settle()
      full.clear()
      line.jobsChanged()
    }
    await expect(done).rejects.toMatchObject({ code: 'verify.busy' })
    expect(line).toMatchObject({ waiting: 0, running: 0 })
  })

  it('refuses a check more than may wait', async () => {
    full.add(MODEL)
    const stop = new AbortController()
    const all = Array.from({ length: MAX_WAITING_CHECKS }, (_, i) => reading(String(i), MODEL, stop.signal))
    expect(line.isOpen).toBe(false)
    await expect(reading('late').done).rejects.toMatchObject({ code: 'verify.busy' })
    stop.abort(new Error('all left'))
    await Promise.allSettled(all.map(({ done }) => done))
    expect(line).toMatchObject({ waiting: 0, running: 0, isOpen: true })
  })

  it('is left by who gives up, waiting or read, and by a reading that fails', async () => {
    const stop = new AbortController()
    const [running, waiting] = [
      reading('running', MODEL, stop.signal),
      reading('waiting', MODEL, stop.signal),
    ]
    await settle()
    stop.abort(new Error('left'))
    await expect(running.done).rejects.toThrow('left')
    await expect(waiting.done).rejects.toThrow('left')
    await expect(line.run(MODEL, () => Promise.reject(new Error('broke')), { signal })).rejects.toThrow(
      'broke',
    )
    expect(begun).toEqual(['running'])
    expect(line).toMatchObject({ waiting: 0, running: 0 })
  })
})
