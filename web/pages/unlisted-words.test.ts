import { expect, it } from 'vitest'
import { modelHash } from '#shared/base/ids.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import type { MergedEntry } from '#shared/models/catalogue/merge-catalogues.ts'
import { memoryServices } from '../state/testing/memory-services.ts'
import type { LinkedModel, Missed } from '../state/session/unlisted.svelte.ts'
import { lentWords, linkWords, ownModelWords } from './unlisted-words.ts'

const models = (count: number) => Array.from({ length: count }, (_, i) => modelHash(`${i}`.padStart(64, '0')))
const scene = (
  change: Partial<Parameters<typeof lentWords>[0]> = {},
  missed: Record<Missed, number> = NONE,
) => ({
  ...{ lent: models(2), open: 2, hold: undefined, isLooking: false, isSpent: false },
  missed: (why: Missed) => missed[why],
  ...change,
})
const NONE = { withheld: 0, unusable: 0 }

it('says nothing where every model that is lent has a name', () => {
  expect(lentWords(scene({ lent: [] }))).toBeUndefined()
})

it('says before the press who sees what of whoever looks them up', () => {
  expect(lentWords(scene())).toEqual({
    lead: 'Two models that no list names are lent now.',
    more: ['The peers who are asked what they are see your address.'],
    button: 'Look them up',
  })
  expect(lentWords(scene({ lent: models(1), open: 1 }))).toEqual({
    lead: 'One model that no list names is lent now.',
    more: ['The peers who are asked what it is see your address.'],
    button: 'Look it up',
  })
})

it('offers no button where the visitor forbids to ask, and says why', () => {
  expect(lentWords(scene({ hold: 'hides-address' }))).toMatchObject({
    more: ['You hide your address, so no peer is asked what they are.'],
    button: undefined,
  })
  expect(lentWords(scene({ hold: 'origins-only' }))).toMatchObject({
    more: ['You chose From origins only, so no peer is asked what they are.'],
    button: undefined,
  })
})

it('tells what could not be had, and no more of why than is known', () => {
  expect(lentWords(scene({ lent: models(3), open: 0 }, { withheld: 2, unusable: 1 }))).toEqual({
    lead: 'Three models that no list names are lent now.',
    more: [
      'Two could not be looked up: no peer in reach passes their files on. A licence may forbid that.',
      'One cannot be used by this page. A newer one may.',
    ],
    button: undefined,
  })
  expect(lentWords(scene({ isLooking: true }))?.more).toEqual(['Asking the peers who have them.'])
  expect(lentWords(scene({ isSpent: true }))?.more[0]).toMatch(/have to wait for some minutes/)
})

it('tells of each end of a link', () => {
  const states: readonly LinkedModel['state'][] = [
    'looking',
    'spent',
    'withheld',
    'unusable',
    'hides-address',
    'origins-only',
  ]
  const said = states.map((state) => linkWords({ model: models(1)[0]!, state }))
  expect(new Set(said).size).toBe(states.length)
  for (const words of said) expect(words).toMatch(/^The (link names a|model of the link)/)
})

it('says to who lends a model of their own list alone whether strangers can come to know it', () => {
  const listed = memoryServices(new FakeClock()).scene.models[0]!.listed
  const own: MergedEntry = { ...listed, sources: [{ kind: 'own' }] }
  const licence = { id: 'none', mayPassOn: false, isGated: false }
  const closed = { ...own, entry: { ...own.entry, licence } }
  expect(ownModelWords(listed, false)).toBeUndefined()
  expect(ownModelWords({ ...own, sources: [...own.sources, ...listed.sources] }, true)).toBeUndefined()
  expect(ownModelWords(own, false)).toMatch(/Others look it up from this tab/)
  expect(ownModelWords(own, true)).toMatch(/passes nothing on while no peer is asked/)
  for (const isKeptBack of [true, false])
    expect(ownModelWords(closed, isKeptBack)).toMatch(/licence does not let this tab pass its files on/)
})
