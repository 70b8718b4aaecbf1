import { afterEach, describe, expect, it, vi } from 'vitest'
import { millis } from '#shared/base/units.ts'
import { createMetronome } from './metronome.ts'

/** A clock worker whose timers a test lets run by hand. */
class FakeWorker extends EventTarget {
  static last: FakeWorker | undefined
  readonly messages: { id: number; delay: number | undefined }[] = []
  ended = false
  constructor() {
    super()
    FakeWorker.last = this
  }
  postMessage(message: { id: number; delay: number | undefined }): void {
    this.messages.push(message)
  }
  due(id: number): void {
    this.dispatchEvent(new MessageEvent('message', { data: id }))
  }
  terminate(): void {
    this.ended = true
  }
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('createMetronome', () => {
  it('has its timers kept by the worker', () => {
    vi.stubGlobal('Worker', FakeWorker)
    const clock = createMetronome()
    const called: string[] = []
    clock.schedule(millis(10), () => called.push('a'))
    const second = clock.schedule(millis(20), () => called.push('b'))
    const worker = FakeWorker.last
    second.stop()
    second.stop()
    expect(worker?.messages).toEqual([
      { id: 1, delay: 10 },
      { id: 2, delay: 20 },
      { id: 2, delay: undefined },
    ])
    worker?.due(1)
    worker?.due(2)
    worker?.due(1)
    expect(called).toEqual(['a'])
    clock.stop()
    expect(worker?.ended).toBe(true)
  })

  it('goes on with timers of the page when the worker breaks, and where there is none', async () => {
    vi.stubGlobal('Worker', FakeWorker)
    const clock = createMetronome()
    const waiting = new Promise<void>((resolve) => clock.schedule(millis(60_000), resolve))
    FakeWorker.last?.dispatchEvent(new Event('error'))
    await waiting
    vi.stubGlobal('Worker', undefined)
    await new Promise<void>((resolve) => createMetronome().schedule(millis(5), resolve))
  })

  it('tells both times', () => {
    const clock = createMetronome()
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
    const before = clock.monotonic()
    expect(clock.monotonic()).toBeGreaterThanOrEqual(before)
  })
})
