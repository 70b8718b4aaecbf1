import { beforeEach, describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '../base/ids.ts'
import { millis } from '../base/units.ts'
import { raceSignal, sleep } from '../base/wait.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { askRelays, type RelayPort } from './ask-relays.ts'
import { LateAnswers } from './late-answers.ts'

interface Answering extends RelayPort {
  readonly afterMs: number
  readonly says: string
}

describe('askRelays', () => {
  let clock: FakeClock
  let slow: Set<PeerName>
  let late: Map<PeerName, string>
  let asked: string[]
  let ended: string[]

  beforeEach(() => {
    clock = new FakeClock()
    slow = new Set()
    late = new Map()
    asked = []
    ended = []
  })

  const relay = (name: string, afterMs: number, says = name): Answering => ({
    relay: peerName(name),
    afterMs,
    says,
  })
  const far = relay('far', 3000)
  const ask = async ({ says, afterMs }: Answering, { signal }: { signal: AbortSignal }): Promise<string> => {
    asked.push(says)
    signal.addEventListener('abort', () => ended.push(says))
    await raceSignal(sleep(clock, millis(afterMs)), signal)
    return says
  }
  const look = async (ports: readonly Answering[], keepsLate = false) => {
    const from = clock.monotonic()
    const isEnough = (said: string): boolean => said !== ''
    const init = { clock, slow, isEnough, ...(keepsLate && { late }) }
    const looking = askRelays(ports, ask, init).then((heard) => ({ heard, tookMs: clock.monotonic() - from }))
    await clock.advance(10_000)
    return looking
  }

  it('ends what nobody waits for any more', async () => {
    expect(await look([relay('near', 10), far])).toEqual({ heard: ['near'], tookMs: 260 })
    expect(ended).toContain('far')
    expect([...slow]).toEqual(['far'])
  })

  it('hears those that are late behind the caller, and lets that stand for them while they rest', async () => {
    expect(await look([relay('near', 10), far], true)).toEqual({ heard: ['near'], tookMs: 260 })
    expect(ended).toEqual([])
    asked = []
    expect(await look([relay('near', 10), far], true)).toEqual({ heard: ['near', 'far'], tookMs: 10 })
    expect(asked).toEqual(['near'])
    slow.clear()
    await look([relay('near', 10), relay('far', 20)], true)
    expect(late.size).toBe(0)
  })

  it('forgets what a relay said that is not asked any more', async () => {
    await look([relay('near', 10), far], true)
    expect([...late]).toEqual([['far', 'far']])
    await look([relay('near', 10)], true)
    expect(late.size).toBe(0)
  })

  it('asks those that rest where the others say nothing', async () => {
    slow.add(peerName('far'))
    expect(await look([relay('near', 10, ''), far], true)).toEqual({ heard: ['', 'far'], tookMs: 3010 })
  })

  it('never rests what is in this process', async () => {
    const here = { afterMs: 3000, says: 'here' }
    await look([relay('near', 10), here], true)
    expect([slow.size, late.size]).toEqual([0, 0])
    expect(asked).toContain('here')
  })

  it('listens to nobody after its signal', async () => {
    const stop = new AbortController()
    const init = { clock, slow, late, signal: stop.signal, isEnough: () => true }
    const looking = askRelays([far], ask, init)
    stop.abort(new Error('enough'))
    await expect(looking).rejects.toThrow('enough')
    await clock.advance(5000)
    expect([late.size, slow.size, ended]).toEqual([0, 0, ['far']])
  })
})

it('keeps late answers of a few questions, and those of the latest', () => {
  const late = new LateAnswers<number, string>()
  for (let question = 0; question < 16; question++) late.of(question).set(peerName('far'), `${question}`)
  expect(late.of(0).size).toBe(1)
  late.of(16).set(peerName('far'), '16')
  expect([late.of(0).size, late.of(1).size]).toEqual([1, 0])
})
