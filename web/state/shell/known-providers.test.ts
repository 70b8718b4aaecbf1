import { expect, it } from 'vitest'
import { jobId, type PeerName } from '#shared/base/ids.ts'
import { millis } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { makePeer } from '#shared/testing/peers.ts'
import type { RecordStore } from '../../storage/provider-record.ts'
import { checking, transcriptOf } from '../testing/checks.ts'
import { KnownProviders } from './known-providers.ts'

/** This tab's own check of an answer found it to differ. */
async function differing(provider: PeerName) {
  const change = { provider, outcome: 'differs', difference: 'tokens' } as const
  for await (const event of checking(transcriptOf('aaaaaa'), { by: 'self', engine: {} as never }, change))
    if (event.type === 'done') return { ...event.report, provider }
  throw new Error('no report')
}

const NO_STAKES = { of: () => undefined, said: async () => undefined }

/** One database of several tabs: an act at a time, each takes a while, and the others hear of it. */
function storing(clock: FakeClock) {
  const kept: { stored?: unknown; fails?: boolean; acts: number } = { acts: 0 }
  const tabs = new Set<() => void>()
  let last = Promise.resolve()
  const later = <T>(act: () => T): Promise<T> => {
    const done = last.then(async () => {
      await sleep(clock, millis(5))
      return act()
    })
    last = done.then(() => undefined)
    return done
  }
  const store = (): RecordStore => {
    let onChanged = (): void => undefined
    return {
      read: () => later(() => structuredClone(kept.stored)),
      change: async (change) => {
        const isKept = await later(() => {
          kept.acts++
          const next = structuredClone(change(structuredClone(kept.stored)))
          if (kept.fails) return false
          kept.stored = next
          return true
        })
        if (isKept) for (const tell of tabs) if (tell !== onChanged) tell()
        return isKept
      },
      onChange: (callback) => {
        tabs.add((onChanged = callback))
        return () => tabs.delete(callback)
      },
    }
  }
  const open = async (): Promise<KnownProviders> => {
    const opening = KnownProviders.open({ clock, store: store(), stakes: NO_STAKES })
    await clock.advance(10)
    return opening
  }
  return { kept, open }
}
const quick = { observedMs: millis(100), predictedMs: millis(100) }

it('counts what a check found for who is asked next, and knows it in the next visit', async () => {
  const clock = new FakeClock()
  const { open } = storing(clock)
  const known = await open()
  const [{ name }, other] = [await makePeer(), await makePeer()]
  known.checked(await differing(name))
  const codes = (record: typeof known.record) => record.explain(name).map(({ code }) => code)
  expect(codes(known.record)).toContain('quarantined')
  expect(known.record.explain(other.name).map(({ code }) => code)).toContain('new')
  await clock.advance(100)
  const next = await open()
  expect(codes(next.record)).toContain('checked')
})

it('takes a forgery that a peer found for one that it saw itself: it was shown it', async () => {
  const { open } = storing(new FakeClock())
  const known = await open()
  const [{ name }, other] = [await makePeer(), await makePeer()]
  const report = await differing(name)
  const verdict = { ...report.verdict, difference: 'openings' as const }
  for (const job of ['01', '02']) {
    const found = { ...report, by: 'peer' as const, jobId: jobId(job.repeat(16)), verdict }
    known.checked({ ...found, shown: 'forged' })
    known.checked({ ...found, provider: other.name })
  }
  expect(known.record.explain(name).map(({ code }) => code)).toContain('excluded')
  expect(known.record.explain(other.name).map(({ code }) => code)).not.toContain('excluded')
})

it('is kept within a second of a change, begins empty where what is kept cannot be read, and writes nothing without news', async () => {
  const clock = new FakeClock()
  const { kept, open } = storing(clock)
  kept.stored = { nonsense: true }
  const known = await open()
  const { name } = await makePeer()
  expect(known.record.explain(name).map(({ code }) => code)).toContain('new')
  await clock.advance(60_000)
  expect(kept.stored, 'nothing was seen').toEqual({ nonsense: true })
  known.record.of('text-generation').ended(name, 'served', quick)
  await clock.advance(1100)
  const next = await open()
  expect(next.record.explain(name).map(({ code }) => code)).toContain('served')
  const { acts } = kept
  await clock.advance(60_000)
  expect(kept.acts).toBe(acts)
})

it('counts what two tabs saw once, whoever writes last, and each learns of the other', async () => {
  const clock = new FakeClock()
  const { kept, open } = storing(clock)
  const [first, second] = [await open(), await open()]
  const { name } = await makePeer()
  const serve = ({ record }: KnownProviders, times: number): void => {
    for (let i = 0; i < times; i++) record.of('text-generation').ended(name, 'served', quick)
  }
  const served = ({ record }: KnownProviders) =>
    record.explain(name).find(({ code }) => code === 'served')?.facts['served']
  serve(first, 2)
  serve(second, 3)
  void first.keep()
  void second.keep()
  serve(first, 1) // while the acts are under way
  await clock.advance(3000)
  expect([first, second].map(served)).toEqual([6, 6])
  const third = await open()
  expect(served(third)).toBe(6)
  for (const each of [first, second, third]) serve(each, 1)
  await clock.advance(3000)
  expect([first, second, third].map(served)).toEqual([9, 9, 9])
  const { acts } = kept
  await clock.advance(60_000)
  expect(kept.acts, 'they come to rest').toBe(acts)
})

it('excludes a provider of which two tabs saw one difference each', async () => {
  const clock = new FakeClock()
  const { open } = storing(clock)
  const [first, second] = [await open(), await open()]
  const { name } = await makePeer()
  const report = await differing(name)
  first.checked(report)
  second.checked({ ...report, jobId: jobId('02'.repeat(16)) })
  await clock.advance(3000)
  expect([first, second].map(({ record }) => record.isExcluded(name))).toEqual([true, true])
})

it('loses and doubles nothing where the browser keeps nothing for a while', async () => {
  const clock = new FakeClock()
  const { kept, open } = storing(clock)
  const [first, second] = [await open(), await open()]
  const { name } = await makePeer()
  const serve = ({ record }: KnownProviders): void =>
    record.of('text-generation').ended(name, 'served', quick)
  serve(second)
  await clock.advance(2000)
  kept.fails = true
  serve(first)
  await clock.advance(5000)
  expect(kept.acts, 'not again each second').toBe(2)
  kept.fails = false
  serve(first)
  await clock.advance(3000)
  for (const { record } of [first, second, await open()])
    expect(record.explain(name)).toContainEqual({ code: 'served', facts: { served: 3, failed: 0 } })
})
