import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '../testing/fake-clock.ts'
import { millis } from './units.ts'
import { raceSignal, sleep, withDeadline } from './wait.ts'

const late = (): Error => new Error('late')
const never = (): Promise<never> => new Promise(() => undefined)

/** Ends when its signal does, as every task must. */
const obedient = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

describe('waiting', () => {
  let clock: FakeClock
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeEach(() => {
    clock = new FakeClock()
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
  })
  afterEach(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  /** Whether it has settled, and how, at this moment. */
  const stateOf = async (promise: Promise<unknown>): Promise<unknown> => {
    let state: unknown = 'waiting'
    promise.then(
      (value) => (state = { value }),
      (error: unknown) => (state = { error: error instanceof Error ? error.message : error }),
    )
    await clock.advance(0)
    return state
  }

  describe('sleep', () => {
    it('ends when the time has come, not before', async () => {
      const sleeping = sleep(clock, millis(100))
      await clock.advance(99)
      expect(await stateOf(sleeping)).toBe('waiting')
      await clock.advance(1)
      expect(await stateOf(sleeping)).toEqual({ value: undefined })
    })

    it('ends at once with the reason when it is aborted, and leaves no timer behind', async () => {
      const controller = new AbortController()
      const sleeping = sleep(clock, millis(100), { signal: controller.signal })
      controller.abort(new Error('enough'))
      expect(await stateOf(sleeping)).toEqual({ error: 'enough' })
      await clock.advance(200)
    })

    it('does not begin under a signal that has ended', async () => {
      const sleeping = sleep(clock, millis(100), { signal: AbortSignal.abort() })
      await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' })
    })

    it('names a reason that is no error', async () => {
      const sleeping = sleep(clock, millis(100), { signal: AbortSignal.abort('because') })
      await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' })
    })
  })

  describe('withDeadline', () => {
    it('gives what the task gives, and takes its timer back', async () => {
      let signal: AbortSignal | undefined
      const value = await withDeadline(clock, millis(100), late, async (own) => {
        signal = own
        return 7
      })
      expect(value).toBe(7)
      await clock.advance(200)
      expect(signal?.aborted).toBe(false)
    })

    it('throws what the task throws', async () => {
      const failing = withDeadline(clock, millis(100), late, () => Promise.reject(new Error('own')))
      await expect(failing).rejects.toThrow('own')
    })

    it('aborts the task and throws `late()` when the time is over', async () => {
      let signal: AbortSignal | undefined
      const waiting = withDeadline(clock, millis(100), late, (own) => {
        signal = own
        return obedient(own)
      })
      await clock.advance(99)
      expect(await stateOf(waiting)).toBe('waiting')
      await clock.advance(1)
      expect(await stateOf(waiting)).toEqual({ error: 'late' })
      expect(signal?.aborted).toBe(true)
    })

    it('ends in time also when the task does not listen', async () => {
      const waiting = withDeadline(clock, millis(100), late, never)
      waiting.catch(() => undefined)
      await clock.advance(100)
      expect(await stateOf(waiting)).toEqual({ error: 'late' })
    })

    it('throws the outer reason when that comes first', async () => {
      const controller = new AbortController()
      const waiting = withDeadline(clock, millis(100), late, obedient, { signal: controller.signal })
      controller.abort(new Error('cancelled'))
      expect(await stateOf(waiting)).toEqual({ error: 'cancelled' })
      await clock.advance(200)
    })

    it('throws the outer reason when that came before', async () => {
      const signal = AbortSignal.abort(new Error('cancelled'))
      await expect(withDeadline(clock, millis(100), late, obedient, { signal })).rejects.toThrow('cancelled')
    })

    it('swallows a task that fails after its deadline', async () => {
      const task = Promise.withResolvers<void>()
      const waiting = withDeadline(clock, millis(10), late, () => task.promise)
      waiting.catch(() => undefined)
      await clock.advance(10)
      task.reject(new Error('too late to matter'))
      expect(await stateOf(waiting)).toEqual({ error: 'late' })
    })
  })

  describe('raceSignal', () => {
    it('settles with the promise when there is no signal, or it stays quiet', async () => {
      expect(await raceSignal(Promise.resolve(1), undefined)).toBe(1)
      expect(await raceSignal(Promise.resolve(1), new AbortController().signal)).toBe(1)
    })

    it('rejects with the reason when that comes first, and swallows the promise after it', async () => {
      const controller = new AbortController()
      const slow = Promise.withResolvers<void>()
      const racing = raceSignal(slow.promise, controller.signal)
      controller.abort(new Error('enough'))
      await expect(racing).rejects.toThrow('enough')
      slow.reject(new Error('nobody listens'))
    })

    it('takes its listener back', async () => {
      const { signal } = new AbortController()
      let listeners = 0
      signal.addEventListener = (
        (add) =>
        (...args: Parameters<AbortSignal['addEventListener']>) => {
          listeners++
          add.apply(signal, args)
        }
      )(signal.addEventListener.bind(signal))
      signal.removeEventListener = (
        (remove) =>
        (...args: Parameters<AbortSignal['removeEventListener']>) => {
          listeners--
          remove.apply(signal, args)
        }
      )(signal.removeEventListener.bind(signal))
      for (let i = 0; i < 10; i++) await raceSignal(Promise.resolve(), signal)
      await withDeadline(clock, millis(1), late, () => Promise.resolve(), { signal })
      await clock.advance(0)
      expect(listeners).toBe(0)
    })
  })
})
