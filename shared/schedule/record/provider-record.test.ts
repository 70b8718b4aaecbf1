import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { peerName, type PeerName } from '../../base/ids.ts'
import { millis } from '../../base/units.ts'
import { seededChance } from '../../testing/chance.ts'
import {
  alice,
  auditors,
  bob,
  carol,
  job,
  other,
  provider,
  quick,
  recordScene,
} from '../../testing/record-scene.ts'
import type { Staked } from './heard.ts'
import { ProviderRecord } from './provider-record.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('availability', () => {
  it('halves presence with each failure, and forgives by half in five minutes', async () => {
    const { clock, text, beliefs } = recordScene()
    expect(beliefs().presence).toBe(1)
    text.ended(provider, 'failed')
    expect(beliefs().presence).toBe(0.5)
    text.ended(provider, 'failed')
    expect(beliefs().presence).toBe(0.25)
    await clock.advance(5 * MINUTE)
    expect(beliefs().presence).toBe(0.5)
    text.ended(provider, 'served', quick)
    expect(beliefs().presence).toBeCloseTo(2 ** -0.5)
  })

  it('remembers for weeks how often jobs were lost, and says nothing of integrity by it', async () => {
    const { clock, text, beliefs } = recordScene()
    const before = beliefs()
    for (let i = 0; i < 5; i++) text.ended(provider, 'failed')
    expect(beliefs().availability).toBeCloseTo(9 / 15, 1)
    expect(beliefs().integrity).toBe(before.integrity)
    await clock.advance(14 * DAY)
    expect(beliefs().availability).toBeCloseTo(9 / 12.5, 1)
    expect(beliefs().presence).toBeCloseTo(1)
  })

  it('falls where openings are withheld, and integrity does not', () => {
    const { record, beliefs } = recordScene()
    const before = beliefs()
    record.checked(provider, {
      ...{ jobId: job('1'), outcome: 'inconclusive', reason: 'withheld', difference: undefined },
      ...{ by: 'peer', verifier: alice },
    })
    expect(beliefs().availability).toBeLessThan(before.availability)
    expect(beliefs().integrity).toBe(before.integrity)
  })
})

describe('quotes', () => {
  it('prices a load that took longer than was said like any promise, and one that took as long not at all', () => {
    const { text } = recordScene()
    text.ended(provider, 'served', { observedMs: millis(20_600), predictedMs: millis(20_640) })
    expect(text.slownessOf(provider)).toBe(1)
    text.ended(provider, 'served', { observedMs: millis(61_920), predictedMs: millis(20_640) })
    expect(text.slownessOf(provider)).toBe(3)
  })

  it('takes a prediction that was too good at once, and one that was too bad by and by', () => {
    const { text } = recordScene()
    expect(text.slownessOf(provider)).toBe(1)
    text.ended(provider, 'served', { observedMs: millis(3000), predictedMs: millis(1000) })
    expect(text.slownessOf(provider)).toBe(3)
    text.ended(provider, 'served', { observedMs: millis(1000), predictedMs: millis(1000) })
    expect(text.slownessOf(provider)).toBeCloseTo(2.4)
  })

  it('knows of each task by itself how slow it is', () => {
    const { record } = recordScene()
    const [texts, vectors] = [record.of('text-generation'), record.of('feature-extraction')]
    vectors.ended(provider, 'served', { observedMs: millis(3000), predictedMs: millis(1000) })
    expect([texts.slownessOf(provider), vectors.slownessOf(provider)]).toEqual([1, 3])
    vectors.ended(provider, 'failed')
    expect(texts.beliefsIn(provider).presence).toBe(0.5)
  })

  it('are broken where another provider was first, without a failure', () => {
    const { text, beliefs } = recordScene()
    const before = beliefs()
    text.ended(provider, 'overtaken', { observedMs: millis(5000), predictedMs: millis(600) })
    expect(beliefs().quotes).toBeLessThan(before.quotes)
    expect({ ...beliefs(), quotes: before.quotes }).toEqual(before)
  })
})

describe('integrity', () => {
  it('begins even for who has a stake, and lower for who has none', () => {
    expect(recordScene({ [provider]: { operator: 'p', share: 1 } }).beliefs().integrity).toBe(1 / 2)
    expect(recordScene({ [provider]: { operator: 'p', share: 0.9 } }).beliefs().integrity).toBe(1 / 3)
    expect(recordScene().beliefs().integrity).toBe(1 / 3)
  })

  it('rises with each check that agrees, and one that differs weighs twenty of them', () => {
    const { own, beliefs } = recordScene()
    for (let i = 0; i < 20; i++) own('agrees')
    expect(beliefs().integrity).toBeCloseTo(21 / 23, 2)
    own('differs')
    expect(beliefs().integrity).toBeCloseTo(21 / 43, 2)
    own('differs') // of the same answer: nothing new
    expect(beliefs().integrity).toBeCloseTo(21 / 43, 2)
  })

  it('fades by half in 14 days and to what it began with, or in 500 checks', async () => {
    const days = recordScene()
    for (let i = 0; i < 10; i++) days.own('agrees')
    const ten = days.beliefs().integrity
    await days.clock.advance(14 * DAY)
    expect(days.beliefs().integrity).toBeCloseTo(6 / 8, 1)
    expect(days.beliefs().integrity).toBeLessThan(ten)
    await days.clock.advance(1000 * DAY)
    expect(days.beliefs().integrity).toBeCloseTo(1 / 3)
    const many = recordScene()
    many.own('differs')
    for (let i = 0; i < 500; i++) many.own('agrees')
    // Twenty failures are ten, and the good ones sum up to 500 × (1 − 1/2) / ln 2.
    expect(many.beliefs().integrity).toBeCloseTo(361.7 / (361.7 + 12), 2)
  })

  it('is never below nor above a chance, whatever happens in whatever order', () => {
    const event = fc.record({
      what: fc.constantFrom('agrees', 'differs', 'served', 'failed', 'told', 'lied', 'stopped'),
      digit: fc.constantFrom('1', '2', '3'),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { own, tells, text, record, beliefs } = recordScene(auditors)
        for (const { what, digit } of events) {
          if (what === 'agrees' || what === 'differs') own(what, digit)
          if (what === 'served') text.ended(provider, what, quick)
          if (what === 'failed') text.ended(provider, what)
          if (what === 'told') tells(alice, 'agrees', digit)
          if (what === 'lied') tells(bob, 'differs', digit)
          if (what === 'stopped') record.stoppedEarly(provider, job(digit))
        }
        const even = seededChance(events.length)
        for (const each of [beliefs(), text.drawBeliefs(provider, even)])
          for (const value of Object.values(each)) {
            expect(value).toBeGreaterThanOrEqual(0)
            expect(value).toBeLessThanOrEqual(1)
          }
      }),
    )
  })

  it('is drawn by how sure it is', () => {
    const { own, text } = recordScene()
    const even = seededChance(3)
    const spread = () => {
      const draws = Array.from({ length: 300 }, () => text.drawBeliefs(provider, even).integrity)
      return Math.max(...draws) - Math.min(...draws)
    }
    const before = spread()
    for (let i = 0; i < 200; i++) own('agrees')
    expect(before).toBeGreaterThan(0.8)
    expect(spread()).toBeLessThan(0.1)
  })
})

describe('a difference', () => {
  it('sends a provider to its self-test, and is forgiven once by a newer one', async () => {
    const { clock, own, standing, record } = recordScene()
    const before = clock.now()
    await clock.advance(1000)
    own('differs')
    expect(standing()).toBe('quarantined')
    expect(standing(before)).toBe('quarantined')
    expect(standing(clock.now() + 1)).toBe('open')
    expect(record.isExcluded(provider)).toBe(false)
    expect(record.wantsCheck(provider)).toBe(true)
    own('agrees', '2')
    expect(standing(), 'its own test decides').toBe('quarantined')
    expect(record.wantsCheck(provider)).toBe(false)
  })

  it('in two answers, by this consumer itself, excludes it, and no self-test helps', () => {
    const { own, standing, clock } = recordScene()
    own('differs', '1')
    own('differs', '1')
    expect(standing()).toBe('quarantined')
    own('differs', '2')
    expect(standing(clock.now() + 1)).toBe('excluded')
  })

  it('is also an answer that stopped early', () => {
    const { record, standing } = recordScene()
    record.stoppedEarly(provider, job('1'))
    expect(standing()).toBe('quarantined')
    record.stoppedEarly(provider, job('2'))
    expect(standing()).toBe('excluded')
    expect(record.explain(provider)[0]).toEqual({
      code: 'excluded',
      facts: { differences: 2, what: 'early-stop' },
    })
  })

  it('is forgotten after ninety days', async () => {
    const { own, record, clock } = recordScene()
    own('differs', '1')
    own('differs', '2')
    await clock.advance(90 * DAY)
    expect(record.isExcluded(provider)).toBe(false)
  })

  it('is confirmed by two auditors of different operators and classes', () => {
    const { tells, record, standing } = recordScene(auditors)
    tells(alice, 'differs')
    expect(standing()).toBe('quarantined')
    tells(bob, 'differs')
    expect(record.isExcluded(provider)).toBe(true)
  })

  it.each([
    ['operator', { operator: 'alice', share: 1, class: 'webgpu' }],
    ['class', { operator: 'bob', share: 1, class: 'wasm' }],
  ])('is not confirmed by two of the same %s, however often', (_, second) => {
    const { tells, record } = recordScene({ ...auditors, [bob]: second })
    for (const digit of ['1', '2', '3']) {
      tells(alice, 'differs', digit)
      tells(bob, 'differs', digit)
    }
    expect(record.isExcluded(provider)).toBe(false)
  })

  it('is confirmed by one auditor and this consumer', () => {
    const { tells, own, record } = recordScene(auditors)
    tells(alice, 'differs')
    own('differs')
    expect(record.isExcluded(provider)).toBe(true)
  })
})

describe('what others tell', () => {
  it('counts half, and only of those with the least stake', () => {
    const { tells, beliefs } = recordScene(auditors)
    tells(carol, 'agrees')
    tells(other, 'agrees')
    expect(beliefs().integrity).toBe(1 / 3)
    tells(alice, 'agrees')
    expect(beliefs().integrity).toBeCloseTo(1.5 / 3.5)
  })

  it('counts once: what a verifier says of an answer again, replayed or newer, is no second one', () => {
    const { tells, beliefs, clock } = recordScene(auditors)
    const at = clock.now()
    tells(alice, 'agrees', '1', at)
    const once = beliefs()
    tells(alice, 'agrees', '1', at)
    tells(alice, 'agrees', '1', at - 1)
    tells(alice, 'differs', '1', at - 1)
    tells(alice, 'agrees', '1', at + 1)
    expect(beliefs()).toEqual(once)
    tells(alice, 'agrees', '3', at + 11 * MINUTE)
    expect(beliefs(), 'of a clock that goes ahead').toEqual(once)
    tells(alice, 'agrees', '2', at - 1)
    expect(beliefs().integrity, 'of another answer, in whatever order').toBeCloseTo(2 / 4)
  })

  it('fades from when it was found, not from when it was heard', async () => {
    const { tells, beliefs, clock } = recordScene(auditors)
    await clock.advance(14 * DAY)
    tells(alice, 'agrees', '1', clock.now() - 14 * DAY)
    expect(beliefs().integrity).toBeCloseTo(1.25 / 3.25)
  })

  it('is held against nobody who has tested itself since', async () => {
    const { tells, standing, clock } = recordScene(auditors)
    await clock.advance(DAY)
    const foundAt = clock.now() - 60 * MINUTE
    tells(alice, 'differs', '1', foundAt)
    expect([standing(foundAt), standing(foundAt + 1)]).toEqual(['quarantined', 'open'])
  })

  it('lets nobody be praised by many: one auditor weighs ten checks of one’s own at most, and praise hides no accusation', () => {
    const { tells, beliefs, clock } = recordScene(auditors)
    const many = (from: number, to: number) => {
      for (let i = from; i < to; i++)
        tells(
          alice,
          'agrees',
          String.fromCharCode(...[i >> 4, i & 15].map((n) => 97 + (n % 6))),
          clock.now() + i,
        )
    }
    tells(alice, 'differs', 'f')
    many(0, 36)
    expect(beliefs().integrity).toBeCloseTo((1 + 19 / 2) / (3 + 19 / 2 + 10), 1)
  })

  it('of a stranger only asks for a check of one’s own, and no other one for an hour after it', async () => {
    const { tells, own, record, standing, beliefs, clock } = recordScene()
    const before = beliefs()
    tells(alice, 'differs')
    expect([standing(), record.wantsCheck(provider)]).toEqual(['open', true])
    expect(beliefs()).toEqual(before)
    own('agrees')
    tells(bob, 'differs', '2')
    expect(record.wantsCheck(provider)).toBe(false)
    await clock.advance(60 * MINUTE)
    tells(bob, 'differs', '3')
    expect(record.wantsCheck(provider)).toBe(true)
  })

  it('does not count of itself, nor of its own operator', () => {
    const own = { operator: 'p', share: 1, class: 'wasm' }
    const { tells, beliefs } = recordScene({ [provider]: own, [alice]: own })
    tells(alice, 'agrees')
    tells(provider, 'agrees')
    expect(beliefs().integrity).toBe(1 / 2)
  })

  it('of a stranger from before one’s own check asks for no other one, however often it is replayed', async () => {
    const { tells, own, record, clock } = recordScene()
    const before = clock.now()
    await clock.advance(1)
    own('agrees')
    await clock.advance(2 * 60 * MINUTE)
    tells(alice, 'differs', '1', before)
    expect(record.wantsCheck(provider)).toBe(false)
    tells(alice, 'differs', '1', clock.now())
    expect(record.wantsCheck(provider)).toBe(true)
  })

  it('by a stranger whom this consumer asked sends to the self-test, and excludes nobody', () => {
    const { record, standing } = recordScene()
    for (const digit of ['1', '2', '3'])
      record.checked(provider, {
        ...{ jobId: job(digit), outcome: 'differs', difference: 'tokens', by: 'peer', verifier: alice },
      })
    expect([standing(), record.wantsCheck(provider)]).toEqual(['quarantined', true])
    record.checked(provider, {
      ...{ jobId: job('4'), outcome: 'agrees', difference: undefined, by: 'self', verifier: undefined },
    })
    expect(standing(), 'one’s own engine knows better').toBe('open')
  })
})

describe('what costs nothing to make', () => {
  it('does not push out of the record those of whom more is known than that they failed', () => {
    const { record, text } = recordScene()
    text.ended(provider, 'served', { observedMs: millis(100), predictedMs: millis(100) })
    text.stoppedEarly(other, job('1'))
    const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
    const names = Array.from({ length: 1100 }, (_, index) =>
      peerName(`${provider.slice(0, -2)}${alphabet[index % 58]}${alphabet[Math.floor(index / 58)]}`),
    )
    for (const name of names) if (name !== provider && name !== other) text.ended(name, 'failed')
    expect(record.explain(provider)[0]?.code).toBe('served')
    expect(record.explain(other)[0]?.code).toBe('quarantined')
  })

  it('is no speed: what is seen is, of enough tokens', () => {
    const { text } = recordScene()
    text.wrote(provider, { tokens: 12, tokensPerSecond: 1e5 })
    expect(text.speedSeenOf(provider)).toBe(0)
    text.wrote(provider, { tokens: 100, tokensPerSecond: 120 })
    text.wrote(provider, { tokens: 100, tokensPerSecond: 20 })
    expect(text.speedSeenOf(provider)).toBe(90)
  })
})

describe('the explanation', () => {
  const codes = (record: ProviderRecord) => record.explain(provider).map(({ code }) => code)

  it('says of a stranger that nothing is known', () => {
    expect(codes(recordScene().record)).toEqual(['new', 'unstaked', 'trust'])
  })

  it('has a reason for all that counts, with its numbers', () => {
    const { own, tells, text, record } = recordScene({ ...auditors, [provider]: { operator: 'p', share: 1 } })
    own('agrees')
    own('differs', '2')
    tells(alice, 'agrees')
    text.ended(provider, 'served', { observedMs: millis(3000), predictedMs: millis(1000) })
    text.ended(provider, 'failed')
    const explained = record.explain(provider)
    expect(explained.map(({ code }) => code)).toEqual([
      ...['quarantined', 'wants-check', 'checked', 'told', 'served', 'slow', 'staked', 'trust'],
    ])
    expect(explained.slice(2, 6).map(({ facts }) => facts)).toEqual([
      { agrees: 1, differs: 1, inconclusive: 0 },
      { auditors: 1, agrees: 1, differs: 0 },
      { served: 1, failed: 1 },
      { times: 3 },
    ])
  })
})

describe('the stored form', () => {
  it('comes back the same, but for what passes in minutes', () => {
    const { own, tells, text, record, clock } = recordScene(auditors)
    own('agrees')
    own('differs', '2')
    tells(alice, 'differs', '3')
    text.ended(provider, 'served', { observedMs: millis(300), predictedMs: millis(100) })
    text.ended(other, 'failed')
    const stored: unknown = structuredClone(record.toStored())
    const stakes = { of: (peer: PeerName) => (auditors as Record<string, Staked>)[peer] }
    const again = new ProviderRecord({ clock, stakes }, stored)
    expect(again.toStored()).toEqual(stored)
    expect(again.explain(provider)).toEqual(record.explain(provider))
    expect(again.isExcluded(provider)).toBe(true)
    expect(again.of('text-generation').beliefsIn(other).presence).toBe(1)
  })

  it('leaves out what cannot be read, and begins anew where nothing can', () => {
    const { own, record, clock } = recordScene()
    own('differs')
    const [entry] = record.toStored().providers as [object]
    const broken = [
      {},
      7,
      { ...entry, provider: 'x' },
      { ...entry, integrity: { good: Infinity, bad: 0, at: 1 } },
    ]
    const again = new ProviderRecord({ clock }, { providers: [...broken, entry] })
    expect(again.toStored().providers).toHaveLength(1)
    for (const nothing of [undefined, null, 7, [], { providers: 3 }])
      expect(new ProviderRecord({ clock }, nothing).toStored().providers).toEqual([])
  })

  it('has a bound, and forgets those last who are excluded', () => {
    const { own, text, record } = recordScene()
    own('differs', '1')
    own('differs', '2')
    text.ended(other, 'failed')
    const letters = 'BCDEFGHJKL'
    for (let i = 0; i < 1100; i++) {
      const digits = [...i.toString().padStart(4, '0')].map((digit) => letters[Number(digit)]).join('')
      text.ended(peerName(`12D3KooW${'B'.repeat(40)}${digits}`), 'failed')
    }
    expect(record.toStored().providers).toHaveLength(1000)
    expect(record.isExcluded(provider)).toBe(true)
    expect(text.beliefsIn(other).presence).toBe(1)
  })
})
