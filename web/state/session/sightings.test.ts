import { expect, it } from 'vitest'
import { peerName } from '#shared/base/ids.ts'
import { Sightings } from './sightings.ts'

const [one, two] = [peerName('one'), peerName('two')]

it('counts at how many looks an offer stood, from when it was first seen', () => {
  const sightings = new Sightings()
  expect(sightings.of(one)).toBeUndefined()
  sightings.note([two], 1)
  sightings.note([one, one, two], 2) // of two models
  sightings.note([two], 3)
  sightings.note([one], 4)
  expect(sightings.of(one)).toEqual({ firstAt: 2, seen: 2, looks: 3 })
  expect(sightings.of(two)).toEqual({ firstAt: 1, seen: 3, looks: 4 })
})

it('remembers no more than a thousand, those that were seen last', () => {
  const sightings = new Sightings()
  sightings.note([one, two], 1)
  sightings.note([two, ...Array.from({ length: 999 }, (_, i) => peerName(`other ${i}`))], 2)
  expect([one, two].map((name) => sightings.of(name)?.seen)).toEqual([undefined, 2])
})
