import { expect, it } from 'vitest'
import { epochMillis } from '#shared/base/units.ts'
import type { OriginState } from '#shared/models/pieces/fetch-progress.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { Download } from '../../state/models/download.svelte.ts'
import type { Room } from '../../state/models/services.ts'
import { APACHE, knownModel, SMOL_ON_DISK } from '../../state/testing/memory-models.ts'
import { SMOL } from '../../state/testing/samples.ts'
import {
  amountWords,
  flowWords,
  leadWords,
  leftWords,
  licenceSay,
  newsWords,
  nothingKeptWords,
  proposalWords,
  sharedWords,
  sizeWords,
  usedWords,
} from './words.ts'

const room: Room = { usedBytes: 1, freeBytes: 38e9, isLasting: true }
const tiny = knownModel()
const HOUR = 3_600_000

it('leads with how many models are here as a whole, and says whether they stay', () => {
  expect(leadWords([tiny, SMOL_ON_DISK], room)).toEqual({
    title: 'Two models are here.',
    say: '273 MB in this browser, 38.0 GB free. The browser keeps it until you delete it.',
  })
  expect(leadWords([tiny], { ...room, isLasting: false }).say).toContain(
    'may delete it when space gets short',
  )
  expect(leadWords([tiny], { ...room, isLasting: undefined, freeBytes: undefined }).say).toBe(
    '11 MB in this browser.',
  )
  expect(leadWords([{ ...tiny, keptBytes: 5 }], room).title).toBe('No model is here wholly yet.')
  expect(leadWords([], room).title).toBe('No model is here yet.')
})

it('says why nothing is kept, as far as it is known', () => {
  expect(nothingKeptWords(true).say).toContain('private windows')
  expect(nothingKeptWords(false).say).toContain('plain http')
})

it('tells what happened to a model, and when', () => {
  const event = { name: 'Smol', bytes: 262e6, at: epochMillis(0) }
  const told = (change: object, now: number) => newsWords({ ...event, kind: 'evicted', ...change }, now)
  expect(told({}, 600_000)).toBe('Smol, 262 MB, was deleted 10 min ago to make room for another model.')
  expect(told({ because: 'limit' }, 5 * HOUR)).toContain('5 h ago to stay within your limit')
  expect(told({ kind: 'vanished' }, 72 * HOUR)).toContain('was found deleted 3 days ago')
  expect(told({ kind: 'damaged' }, 0)).toBe(
    'A part of Smol, 262 MB, was found changed 0 s ago and thrown away. It is downloaded again when the model is needed.',
  )
  expect(told({ bytes: undefined }, 0)).toBe('Smol was deleted 0 s ago to make room for another model.')
})

it('says when a model was used, and nothing where nobody knows', () => {
  expect(usedWords({ ...tiny, lastUsedAt: undefined }, 0)).toBe('—')
  expect(usedWords({ ...tiny, lastUsedAt: epochMillis(0) }, 47 * HOUR)).toBe('47 h ago')
  expect([sizeWords(tiny), sizeWords({ ...tiny, keptBytes: 5e6 })]).toEqual(['11 MB', '5.0 MB of 11 MB'])
})

it('says of a model that is not here what a list says of it', () => {
  expect(proposalWords(SMOL_ON_DISK)).toBe('262 MB, 4-bit, apache-2.0')
  expect(proposalWords({ ...SMOL_ON_DISK, licence: undefined, isTried: false })).toBe(
    '262 MB, 4-bit; not yet tried here',
  )
})

it('says of a licence whether pieces are passed on', () => {
  expect(licenceSay(APACHE)).toContain('It allows passing the files on')
  expect(licenceSay({ ...APACHE, mayPassOn: false, isGated: true })).toMatch(
    /sends nothing.*accepted its terms/,
  )
  expect(licenceSay({ ...APACHE, id: 'some-licence', mayPassOn: false })).toBe(
    'It is not known to allow passing the files on, so this tab sends nothing of it to others.',
  )
  for (const none of [
    undefined,
    { ...APACHE, id: 'none', mayPassOn: false },
    { ...APACHE, id: 'unknown', mayPassOn: false },
  ])
    expect(licenceSay(none)).toMatch(/names no licence.* sends nothing/)
})

it('says of an origin that gives nothing whether it rests or cannot be used', async () => {
  const clock = new FakeClock()
  const download = new Download(clock, {
    ...{ wanted: { kind: 'model', model: SMOL }, name: 'Smol', bytes: 200e6 },
  })
  download.enter('running')
  let fromPeers = 0
  let fromOrigins = 0
  const come = async (peers: number, origins: number, origin: OriginState) => {
    await clock.advance(1000)
    const from = { fromPeers: (fromPeers += peers), fromOrigins: (fromOrigins += origins) }
    download.note({ totalBytes: 200e6, keptBytes: 0, ...from, peers: 2, origin })
    return flowWords(download)
  }
  await come(0, 0, 'waiting')
  expect(await come(1e6, 1e6, 'reading')).toBe(
    '1.0 MB a second from 2 peers, 1.0 MB a second from its origin.',
  )
  // What came from it in the last seconds is still its speed.
  expect(await come(1e6, 0, 'resting')).not.toContain('rests')
  for (let second = 0; second < 8; second++) await come(1e6, 0, 'resting')
  expect(await come(1e6, 0, 'resting')).toBe(
    '1.0 MB a second from 2 peers. Its origin rests, since peers are much faster.',
  )
  expect(await come(1e6, 0, 'gone')).toBe('1.0 MB a second from 2 peers. Its origin cannot be used now.')
  expect(await come(1e6, 0, 'waiting')).toBe('1.0 MB a second from 2 peers.')
  for (let second = 0; second < 9; second++) await come(0, 0, 'gone')
  expect(await come(0, 0, 'gone')).toBe('Nothing comes at the moment. Its origin cannot be used now.')
})

it.each([
  [false, false, /^Shared: from when this tab downloads or lends it, peers who ask get pieces of it/],
  [true, false, /^Shared: nothing is sent while you load from origins only/],
  [false, true, /^Shared: nothing is sent while you hide/],
])(
  'from origins only %s, address hidden %s: says when what is shared goes out',
  (originsOnly, hidesAddress, words) => {
    expect(sharedWords({ originsOnly, hidesAddress })).toMatch(words)
  },
)

it('says of a download where it comes from, how fast, and how long still', async () => {
  const clock = new FakeClock()
  const download = new Download(clock, {
    ...{ wanted: { kind: 'model', model: SMOL }, name: 'Smol', bytes: 200e6 },
  })
  const words = () => [
    amountWords(download, download.hereBytes),
    flowWords(download),
    leftWords(download, download.hereBytes),
  ]
  expect(words()).toEqual(['200 MB', 'Begins when the one before it is here.', ''])
  download.enter('running')
  expect(words()[1]).toBe('Looking who has it.')
  const come = (fromPeers: number, fromOrigins: number) =>
    download.note({ totalBytes: 200e6, keptBytes: 50e6, fromPeers, fromOrigins, peers: 1 })
  come(0, 0)
  expect(words()).toEqual(['50 MB of 200 MB', 'Each piece is checked as it arrives.', '150 MB missing.'])
  await clock.advance(5000)
  come(25e6, 5e6)
  expect(words()).toEqual([
    ...['80 MB of 200 MB', '5.0 MB a second from 1 peer, 1.0 MB a second from its origin.'],
    'About 20 s left, 120 MB missing.',
  ])
  await clock.advance(20_000)
  download.look()
  expect(words()[1]).toBe('Nothing comes at the moment.')
  download.enter('paused')
  expect(words().slice(1)).toEqual(['You paused it. What has come stays.', '120 MB missing.'])
  come(145e6, 5e6)
  download.arrived(SMOL)
  expect(words()).toEqual([
    '200 MB',
    'All of it is here and checked: 145 MB from peers, 5.0 MB from its origin.',
    '',
  ])
})
