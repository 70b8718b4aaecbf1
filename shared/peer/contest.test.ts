import { describe, expect, it } from 'vitest'
import { millis } from '../base/units.ts'
import type { Assignment } from '../schedule/assignment.ts'
import type { JobEvent, RunningJob } from '../stream/run-job.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { Contest, type Run, type RunEvent } from './contest.ts'

const tokens: JobEvent = { type: 'tokens', tokens: [1] }
const accepted: JobEvent = { type: 'accepted', seed: new Uint8Array(32), waiting: 0, chunk: undefined }
const done: JobEvent = { type: 'done', finish: 'stop', isUsageDisputed: false }

/** A job that tells what a test says, and after its stop what it still had on the way. */
function fakeRun(name: string, lateEvents: readonly JobEvent[] = []) {
  const said: (JobEvent | Error)[] = []
  let wake = Promise.withResolvers<void>()
  const state = { isStopped: false, isEnded: false, lateRead: 0 }
  async function* events(): AsyncGenerator<JobEvent, void, void> {
    try {
      for (;;) {
        const next = said.shift()
        if (next instanceof Error) throw next
        if (next) yield next
        if (next?.type === 'done') return
        if (!next && state.isStopped) break
        if (!next) await wake.promise
      }
      for (const event of lateEvents) {
        state.lateRead++
        yield event
      }
      throw new Error('cancelled')
    } finally {
      state.isEnded = true
    }
  }
  const wakeUp = (): void => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  const run: Run = {
    assignment: { name } as unknown as Assignment,
    job: {} as RunningJob,
    events: events(),
    openedAt: millis(0),
    stop: () => {
      state.isStopped = true
      wakeUp()
    },
    giveUp: () => say(new Error('given up')),
  }
  const say = (...events: (JobEvent | Error)[]): void => {
    said.push(...events)
    wakeUp()
  }
  return { run, say, state, name }
}

async function play(first: Run, ...others: readonly Run[]) {
  const clock = new FakeClock()
  const contest = new Contest(first)
  const told: string[] = []
  const nameOf = (event: RunEvent): string => {
    const { name } = event.run.assignment as unknown as { name: string }
    return `${name} ${event.type === 'event' ? event.event.type : 'failed'}`
  }
  let opened = 0
  const hedge = { waitMs: () => millis(3000), open: async () => others[opened++] }
  const playing = (async () => {
    for await (const event of contest.events(clock, hedge)) told.push(nameOf(event))
  })()
  return { clock, contest, told, playing, opened: () => opened }
}

describe('a contest of two jobs', () => {
  it('opens no second one where the first begins in time', async () => {
    const first = fakeRun('first')
    const { clock, told, playing, opened } = await play(first.run, fakeRun('second').run)
    first.say(accepted, tokens)
    await clock.advance(60_000)
    first.say(done)
    await playing
    expect([told, opened()]).toEqual([['first accepted', 'first tokens', 'first done'], 0])
  })

  it('tells of the second one only when it is first, and reads the other to its end', async () => {
    const late: JobEvent[] = [tokens, { type: 'chunk', chunk: {} } as unknown as JobEvent]
    const [first, second] = [fakeRun('first', late), fakeRun('second')]
    const { clock, contest, told, playing } = await play(first.run, second.run)
    first.say(accepted)
    await clock.advance(3000)
    second.say(accepted)
    await clock.advance(1)
    expect(told).toEqual(['first accepted'])
    second.say(tokens, done)
    await playing
    expect(told).toEqual(['first accepted', 'second accepted', 'second tokens', 'second done'])
    expect(contest.overtaken).toEqual([first.run])
    expect(await contest.ended()).toEqual([first.run])
    expect(first.state).toEqual({ isStopped: true, isEnded: true, lateRead: 2 })
  })

  it('stops the second one where the first begins after all', async () => {
    const [first, second] = [fakeRun('first'), fakeRun('second')]
    const { clock, contest, told, playing } = await play(first.run, second.run)
    await clock.advance(3000)
    second.say(accepted)
    await clock.advance(1)
    first.say(accepted, tokens, done)
    await playing
    expect(told).toEqual(['first accepted', 'first tokens', 'first done'])
    await contest.ended()
    expect(second.state).toMatchObject({ isStopped: true, isEnded: true })
  })

  it('goes on with the second one where the first fails, with all that it told', async () => {
    const [first, second] = [fakeRun('first'), fakeRun('second')]
    const { clock, contest, told, playing } = await play(first.run, second.run)
    await clock.advance(3000)
    second.say(accepted)
    await clock.advance(1)
    first.say(new Error('gone'))
    second.say(tokens, done)
    await playing
    expect(told).toEqual(['first failed', 'second accepted', 'second tokens', 'second done'])
    expect(contest.overtaken).toEqual([])
  })

  it('gives up the eldest where a third one is opened, and tells of the next as if it had been alone', async () => {
    const [first, second, third] = [fakeRun('first'), fakeRun('second'), fakeRun('third')]
    const { clock, told, playing, contest } = await play(first.run, second.run, third.run)
    first.say(accepted)
    await clock.advance(3000)
    second.say(accepted)
    await clock.advance(3000)
    third.say(accepted, tokens, done)
    await playing
    expect(told).toEqual([
      ...['first accepted', 'first failed', 'second accepted'],
      ...['third accepted', 'third tokens', 'third done'],
    ])
    expect(contest.overtaken).toEqual([second.run])
    await contest.ended()
    expect(first.state.isEnded && second.state.isEnded).toBe(true)
  })

  it('ends where both failed, or the only one', async () => {
    const [first, second] = [fakeRun('first'), fakeRun('second')]
    const both = await play(first.run, second.run)
    await both.clock.advance(3000)
    second.say(new Error('gone'))
    first.say(new Error('gone'))
    await both.playing
    expect(both.told.toSorted()).toEqual(['first failed', 'second failed'])
    expect(both.contest.isOver).toBe(true)
    const only = fakeRun('only')
    const alone = await play(only.run)
    await alone.clock.advance(3000)
    only.say(new Error('gone'))
    await alone.playing
    expect([alone.told, alone.opened()]).toEqual([['only failed'], 1])
  })

  it('leaves none running where its loop is left', async () => {
    const [first, second] = [fakeRun('first'), fakeRun('second')]
    const clock = new FakeClock()
    const contest = new Contest(first.run)
    const leaving = (async () => {
      for await (const _ of contest.events(clock, {
        waitMs: () => millis(3000),
        open: async () => second.run,
      }))
        break
    })()
    await clock.advance(3000)
    first.say(accepted)
    await leaving
    expect([first.state.isEnded, second.state.isEnded]).toEqual([true, true])
  })
})
