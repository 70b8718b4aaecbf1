import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../testing/fake-clock.ts'
import { alice, auditors, job, other, provider, quick, recordScene } from '../../testing/record-scene.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('two who began with the same record', () => {
  /** Two tabs over what one store keeps, as text. */
  function tabs() {
    const clock = new FakeClock()
    let kept: unknown
    const tab = () => {
      const scene = recordScene(auditors, { clock, stored: kept })
      let base = kept
      const keep = () => {
        kept = base = structuredClone(scene.record.merge(base, kept))
      }
      return { ...scene, keep }
    }
    return { clock, tab }
  }

  it('count what both saw once, and lose nothing of what one saw', async () => {
    const { clock, tab } = tabs()
    const first = tab()
    first.own('agrees', '1')
    first.text.ended(provider, 'served', quick)
    first.keep()
    const second = tab()
    await clock.advance(DAY)
    for (const digit of ['2', '3']) first.own('agrees', digit)
    second.own('agrees', '4')
    second.text.ended(provider, 'failed')
    second.text.ended(other, 'served', quick)
    const at = clock.now() - 1
    first.tells(alice, 'agrees', '5', at)
    second.tells(alice, 'agrees', '5', at)
    second.tells(alice, 'agrees', '6', at)
    for (let i = 0; i < 3; i++) for (const each of [first, second]) each.keep()
    const both = { agrees: 4, differs: 0, inconclusive: 0 }
    for (const { record } of [first, second]) {
      expect(record.explain(provider)).toContainEqual({ code: 'checked', facts: both })
      expect(record.explain(provider)).toContainEqual({ code: 'served', facts: { served: 1, failed: 1 } })
      expect(record.explain(other)).toContainEqual({ code: 'served', facts: { served: 1, failed: 0 } })
      const { auditors: tellers, agrees } =
        record.explain(provider).find(({ code }) => code === 'told')?.facts ?? {}
      expect([tellers, Math.round(Number(agrees))]).toEqual([1, 2])
    }
    expect(first.record.toStored()).toEqual(second.record.toStored())
  })

  it('exclude by one difference that each of them saw', () => {
    const { tab } = tabs()
    const [first, second] = [tab(), tab()]
    first.own('differs', '1')
    second.own('differs', '2')
    for (const each of [first, second, first]) each.keep()
    expect([first, second].map(({ record }) => record.isExcluded(provider))).toEqual([true, true])
  })

  it('know that one has looked where the other was told to', async () => {
    const { clock, tab } = tabs()
    const first = tab()
    first.record.told({
      ...{ provider, verifier: other },
      verdict: {
        ...{ jobId: job('1'), outcome: 'differs', difference: 'tokens', class: { backend: 'wasm' } },
        at: clock.now(),
      },
    })
    first.keep()
    const second = tab()
    expect(second.record.wantsCheck(provider)).toBe(true)
    await clock.advance(MINUTE)
    second.own('agrees', '2')
    for (const each of [second, first]) each.keep()
    expect([first, second].map(({ record }) => record.wantsCheck(provider))).toEqual([false, false])
  })

  it('come to the same sums in whatever order they see and keep', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1), fc.constantFrom('agrees', 'served', 'failed', 'keep')), {
          maxLength: 40,
        }),
        (steps) => {
          const { tab } = tabs()
          const both = [tab(), tab()] as const
          const seen = { agrees: 0, served: 0, failed: 0 }
          for (const [who, what] of steps) {
            const one = both[who === 0 ? 0 : 1]
            if (what === 'keep') one.keep()
            else seen[what]++
            if (what === 'agrees') one.own('agrees', '1')
            if (what === 'served') one.text.ended(provider, 'served', quick)
            if (what === 'failed') one.text.ended(provider, 'failed')
          }
          for (const each of [...both, ...both]) each.keep()
          const entry = both[0].record.toStored().providers[0] as
            { totals: typeof seen; integrity: { good: number } } | undefined
          expect(both[1].record.toStored()).toEqual(both[0].record.toStored())
          expect(entry?.totals ?? seen).toMatchObject(seen)
          expect(entry?.integrity.good ?? 0).toBeCloseTo(seen.agrees, -0.5)
        },
      ),
    )
  })

  it('take nothing from what cannot be read, and forget nobody for it', () => {
    const { tab } = tabs()
    const { record, own } = tab()
    own('agrees', '1')
    for (const nothing of [undefined, 7, { providers: 'x' }, { providers: [{}] }])
      record.merge(nothing, nothing)
    expect(record.explain(provider)).toContainEqual({
      code: 'checked',
      facts: { agrees: 1, differs: 0, inconclusive: 0 },
    })
  })
})
