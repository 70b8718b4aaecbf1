import * as v from 'valibot'
import { expect, it } from 'vitest'
import { makePeer } from '../testing/peers.ts'
import { MAX_OPTIONAL_VALUE, message } from '../wire/message.ts'
import { besidesField, readBesides, writeBesides } from './besides.ts'
import { MAX_BESIDES } from './constants.ts'

it('tells the names that were written from all others', async () => {
  const peers = await Promise.all(Array.from({ length: 20 }, makePeer))
  const [known, unknown] = [peers.slice(0, 10), peers.slice(10)]
  const isKnown = readBesides(v.parse(besidesField, writeBesides(known.map(({ name }) => name))))
  expect(known.every(({ name }) => isKnown(name))).toBe(true)
  expect(unknown.some(({ name }) => isKnown(name))).toBe(false)
  expect(readBesides('')(peers[0]!.name)).toBe(false)
})

it('is skipped by a peer that does not know it, also at its longest', async () => {
  const { name } = await makePeer()
  const besides = writeBesides(Array.from({ length: MAX_BESIDES + 5 }, () => name))
  expect(besides.length).toBeLessThanOrEqual(MAX_OPTIONAL_VALUE)
  const before = message({ type: v.literal('query') }, { wantsDemand: v.boolean() })
  expect(v.parse(before, { type: 'query', optional: { besides, wantsDemand: true } })).toEqual({
    type: 'query',
    optional: { wantsDemand: true },
  })
})
