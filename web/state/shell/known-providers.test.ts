import { expect, it } from 'vitest'
import { jobId, type PeerName } from '#shared/base/ids.ts'
import { millis } from '#shared/base/units.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { makePeer } from '#shared/testing/peers.ts'
import { checking, transcriptOf } from '../testing/checks.ts'
import { KnownProviders } from './known-providers.ts'

/** This tab's own check of an answer found it to differ. */
async function differing(provider: PeerName) {
  const change = { provider, outcome: 'differs', difference: 'tokens' } as const
  for await (const event of checking(transcriptOf('aaaaaa'), { by: 'self', engine: {} as never }, change))
    if (event.type === 'done') return { ...event.report, provider }
  throw new Error('no report')
}

function storing() {
  const kept: { stored?: unknown } = {}
  const store = {
    read: async () => kept.stored,
    write: async (stored: unknown) => void (kept.stored = structuredClone(stored)),
  }
  return { kept, store }
}

it('counts what a check found for who is asked next, and knows it in the next visit', async () => {
  const [clock, { store }] = [new FakeClock(), storing()]
  const known = await KnownProviders.open({ clock, store })
  const [{ name }, other] = [await makePeer(), await makePeer()]
  known.checked(await differing(name))
  const codes = (record: typeof known.record) => record.explain(name).map(({ code }) => code)
  expect(codes(known.record)).toContain('quarantined')
  expect(known.record.explain(other.name).map(({ code }) => code)).toContain('new')
  const next = await KnownProviders.open({ clock, store })
  expect(codes(next.record)).toContain('checked')
})

it('takes a forgery that a peer found for one that it saw itself: it was shown it', async () => {
  const known = await KnownProviders.open({ clock: new FakeClock(), store: storing().store })
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

it('is kept within a second of a change, begins empty where what is kept cannot be read, and leaves alone what another tab kept', async () => {
  const [clock, { store, kept }] = [new FakeClock(), storing()]
  kept.stored = { nonsense: true }
  const known = await KnownProviders.open({ clock, store })
  const { name } = await makePeer()
  expect(known.record.explain(name).map(({ code }) => code)).toContain('new')
  await clock.advance(60_000)
  expect(kept.stored, 'nothing was seen').toEqual({ nonsense: true })
  const timing = { observedMs: millis(100), predictedMs: millis(100) }
  known.record.of('text-generation').ended(name, 'served', timing)
  await clock.advance(1000)
  const next = await KnownProviders.open({ clock, store })
  expect(next.record.explain(name).map(({ code }) => code)).toContain('served')
  kept.stored = 'of another tab'
  await clock.advance(60_000)
  expect(kept.stored).toBe('of another tab')
})
