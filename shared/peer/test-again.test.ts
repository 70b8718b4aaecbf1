import { beforeEach, describe, expect, it } from 'vitest'
import { ChangeEmitter } from '../base/change-emitter.ts'
import { epochMillis, millis, MINUTE_MS, SECOND_MS, type EpochMillis } from '../base/units.ts'
import { sleep } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import type { ModelPlace, ProviderJob, ProvisionState } from './peer.ts'
import { testAgain } from './test-again.ts'

const TEST_MS = 3 * SECOND_MS

describe('testAgain', () => {
  let clock: FakeClock
  let changes: ChangeEmitter
  let provision: {
    state: ProvisionState
    jobs: ProviderJob[]
    onChange: (callback: () => void) => () => void
  }
  let isHeld: boolean
  /** What happened, in order. */
  let log: string[]
  let testedAt: EpochMillis
  let fails: Error | undefined
  let place: ModelPlace | undefined

  beforeEach(() => {
    clock = new FakeClock()
    changes = new ChangeEmitter()
    provision = { state: 'live', jobs: [], onChange: (callback) => changes.listen(callback) }
    isHeld = false
    log = []
    testedAt = clock.now()
    fails = undefined
    place = undefined
  })

  const runJobs = (count: number): void => {
    provision.jobs = Array.from({ length: count }, () => ({}) as ProviderJob)
    changes.emit()
  }
  const begin = (signal = new AbortController().signal) => {
    const told = { state: 'runs' }
    const desk = {
      isAble: true,
      hold: () => {
        isHeld = true
        log.push('held')
        return () => {
          isHeld = false
          log.push('let go')
        }
      },
      run: async (options: { readonly signal: AbortSignal }) => {
        log.push('test')
        await sleep(clock, millis(TEST_MS), options)
        if (fails) throw fails
        testedAt = clock.now()
      },
    }
    testAgain(
      { clock, provision, place, desk, testedAt: () => testedAt },
      { signal, onTesting: () => void log.push('told') },
    ).then(
      () => (told.state = 'passed'),
      (thrown: unknown) => (told.state = InfernetError.from(thrown).code),
    )
    return told
  }

  it('tests an idle engine at once, and takes no new jobs meanwhile', async () => {
    const told = begin()
    await clock.advance(TEST_MS - 1)
    expect([isHeld, told.state]).toEqual([true, 'runs'])
    await clock.advance(1)
    expect(told.state).toBe('passed')
    expect(log).toEqual(['held', 'told', 'test', 'let go'])
  })

  it('waits for a moment without jobs', async () => {
    runJobs(2)
    const told = begin()
    await clock.advance(MINUTE_MS)
    expect(log).toEqual([])
    runJobs(1)
    await clock.advance(MINUTE_MS)
    expect(log).toEqual([])
    runJobs(0)
    await clock.advance(TEST_MS)
    expect([told.state, log[0]]).toEqual(['passed', 'held'])
  })

  it('takes no new jobs where no such moment comes, and lets those that run end first', async () => {
    runJobs(1)
    const told = begin()
    await clock.advance(10 * MINUTE_MS)
    expect(log).toEqual(['held'])
    await clock.advance(MINUTE_MS)
    runJobs(0)
    await clock.advance(TEST_MS)
    expect([told.state, log]).toEqual(['passed', ['held', 'told', 'test', 'let go']])
  })

  it('goes on without a test where a job does not end', async () => {
    runJobs(1)
    const told = begin()
    await clock.advance(12 * MINUTE_MS)
    expect([told.state, log]).toEqual(['stream.busy', ['held', 'let go']])
  })

  it('brings a model to the GPU whose start tests it, and needs no second test', async () => {
    place = {
      ...{ tier: 'disk', loadMs: undefined, onChange: () => () => undefined },
      take: async ({ signal }) => {
        log.push('load')
        await sleep(clock, millis(20 * SECOND_MS), { signal })
        testedAt = epochMillis(clock.now())
        return () => void log.push('leave')
      },
    }
    const told = begin()
    await clock.advance(20 * SECOND_MS)
    expect([told.state, log]).toEqual(['passed', ['held', 'told', 'load', 'leave', 'let go']])
  })

  it('holds a model on the GPU while it is tested there', async () => {
    place = {
      ...{ tier: undefined, loadMs: undefined, onChange: () => () => undefined },
      take: async () => () => void log.push('leave'),
    }
    const told = begin()
    await clock.advance(TEST_MS)
    expect([told.state, log]).toEqual(['passed', ['held', 'told', 'test', 'leave', 'let go']])
  })

  it('says what the engine says, and lets go', async () => {
    fails = new InfernetError('engine.self-test-failed', { wrong: 1, total: 3 })
    const told = begin()
    await clock.advance(TEST_MS)
    expect([told.state, isHeld]).toEqual(['engine.self-test-failed', false])
  })

  it('gives up a test that does not come to its end', async () => {
    place = {
      ...{ tier: 'disk', loadMs: undefined, onChange: () => () => undefined },
      take: () => new Promise(() => undefined),
    }
    const told = begin()
    await clock.advance(10 * MINUTE_MS)
    expect([told.state, isHeld]).toEqual(['wire.timeout', false])
  })

  it('ends with the provision, and with the signal', async () => {
    runJobs(1)
    const told = begin()
    provision.state = 'ended'
    changes.emit()
    await clock.advance(0)
    expect(told.state).toBe('stream.draining')
    provision.state = 'live'
    const stop = new AbortController()
    const other = begin(stop.signal)
    stop.abort(new InfernetError('stream.cancelled'))
    await clock.advance(0)
    expect([other.state, isHeld]).toEqual(['stream.cancelled', false])
  })
})
