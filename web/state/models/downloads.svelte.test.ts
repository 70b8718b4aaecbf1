import { expect, it } from 'vitest'
import { millis } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { APACHE, memoryHome } from '../testing/memory-models.ts'
import { SMOL, TINY } from '../testing/samples.ts'
import { Settings } from '../session/settings.svelte.ts'
import { Downloads, type DownloadRequest } from './downloads.svelte.ts'
import { keyOf, Licences } from './licences.ts'

const request = (model: typeof TINY, name: string): DownloadRequest => ({
  ...{ wanted: { kind: 'model', model }, name, bytes: 262_000_000, licence: APACHE },
})
const smol = request(SMOL, 'SmolLM2 360M')
const tiny = request(TINY, 'Infernet Tiny')

function opened(kept = new Map<string, string>(), clock = new FakeClock()) {
  const world = memoryHome()
  const settings = {
    get: (name: string) => kept.get(name),
    set: (name: string, value: string) => void kept.set(name, value),
  }
  const token = { value: undefined as string | undefined }
  const letGo: string[] = []
  const downloads = new Downloads({
    ...{ clock, settings, licences: new Licences(settings), choices: new Settings(settings) },
    fetch: (wanted, options) => world.home.fetch!(wanted, options),
    letGo: async (wanted) => void letGo.push(keyOf(wanted)),
    tokenOf: () => token.value,
  })
  downloads.start()
  const stages = (): string[] => downloads.list.map(({ name, stage }) => `${name} ${stage}`)
  return { ...world, downloads, clock, kept, token, letGo, stages }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

it('shows the licence before the first download of a model, and never again once it was accepted', () => {
  const { downloads, fetches } = opened()
  downloads.want(smol)
  expect([downloads.asked, fetches.length]).toEqual([smol, 0])
  downloads.decline()
  expect([downloads.asked, downloads.list.length]).toEqual([undefined, 0])
  downloads.want(smol)
  downloads.accept()
  expect([downloads.asked, fetches.length]).toEqual([undefined, 1])
  downloads.drop(downloads.list[0]!)
  downloads.want(smol)
  expect([downloads.asked, downloads.list.length]).toEqual([undefined, 1])
})

it('does one after the other, in the order of asking', async () => {
  const { downloads, fetches, stages } = opened()
  downloads.accept(smol)
  downloads.accept(tiny)
  expect(stages()).toEqual(['SmolLM2 360M running', 'Infernet Tiny waiting'])
  fetches[0]!.finish()
  await settled()
  expect(stages()).toEqual(['SmolLM2 360M done', 'Infernet Tiny running'])
  expect(fetches.map(({ wanted }) => wanted)).toEqual([smol.wanted, tiny.wanted])
})

it('pauses and goes on, and lets the next one through meanwhile', async () => {
  const { downloads, fetches, stages } = opened()
  downloads.accept(smol)
  downloads.accept(tiny)
  const [first, second] = downloads.list
  downloads.pause(first!)
  expect(fetches[0]!.options.signal.aborted).toBe(true)
  await settled()
  expect(stages()).toEqual(['SmolLM2 360M paused', 'Infernet Tiny running'])
  downloads.resume(first!)
  expect(stages()).toEqual(['SmolLM2 360M waiting', 'Infernet Tiny running'])
  downloads.pause(second!)
  downloads.resume(second!)
  await settled()
  expect(stages()).toEqual(['SmolLM2 360M running', 'Infernet Tiny waiting'])
  expect(fetches).toHaveLength(3)
})

it('says that one is wanted no more once nothing writes it, and nothing of one that is here or wanted anew', async () => {
  const { downloads, fetches, letGo } = opened()
  downloads.accept(smol)
  downloads.accept(tiny)
  downloads.drop(downloads.find(tiny.wanted)!)
  expect(letGo).toEqual([TINY])
  downloads.drop(downloads.find(smol.wanted)!)
  expect(letGo).toEqual([TINY])
  await settled()
  expect(letGo).toEqual([TINY, SMOL])
  downloads.accept(smol)
  downloads.drop(downloads.find(smol.wanted)!)
  downloads.accept(smol)
  await settled()
  fetches.at(-1)!.finish()
  await settled()
  downloads.drop(downloads.find(smol.wanted)!)
  await settled()
  expect(letGo).toEqual([TINY, SMOL])
})

it('goes on after a restart of the page with what is not over, and leaves alone what was paused', async () => {
  const { downloads, fetches, kept } = opened()
  const third = request('e5'.repeat(32) as typeof TINY, 'Third')
  for (const each of [smol, tiny, third]) downloads.accept(each)
  downloads.pause(downloads.list[0]!)
  await settled()
  fetches[1]!.finish()
  await settled()
  downloads.stop()
  const again = opened(kept)
  expect(again.stages()).toEqual(['SmolLM2 360M paused', 'Third running'])
  expect(again.fetches.map(({ wanted }) => wanted)).toEqual([third.wanted])
  again.downloads.drop(again.downloads.list[0]!)
  again.fetches[0]!.finish()
  await settled()
  expect([kept.get('models.downloads'), opened(kept).downloads.list]).toEqual(['', []])
})

it('reads past what another version of the page wrote', () => {
  const good = { wanted: smol.wanted, name: smol.name, bytes: 5, isPaused: true }
  for (const text of ['{', 'null', '{}', '[1]', JSON.stringify([{ ...good, bytes: -1 }])])
    expect(opened(new Map([['models.downloads', text]])).downloads.list).toEqual([])
  const mixed = JSON.stringify([{ wanted: { kind: 'later' } }, good])
  expect(opened(new Map([['models.downloads', mixed]])).stages()).toEqual(['SmolLM2 360M paused'])
})

it('says why one failed, goes on with the next, and tries it again when told', async () => {
  const { downloads, fetches, stages, kept } = opened()
  downloads.accept(smol)
  downloads.accept(tiny)
  fetches[0]!.fail(new InfernetError('models.no-space', { neededMb: 262, freeMb: 9 }))
  await settled()
  expect(stages()).toEqual(['SmolLM2 360M failed', 'Infernet Tiny running'])
  expect(downloads.list[0]!.error?.code).toBe('models.no-space')
  fetches[1]!.finish()
  await settled()
  downloads.resume(downloads.list[0]!)
  expect(downloads.list[0]!).toMatchObject({ stage: 'running', error: undefined })
  expect(opened(kept).stages()).toEqual(['SmolLM2 360M running'])
})

it('tells the speed of each source and the time that is left; a line that falls silent is slow', async () => {
  const { downloads, fetches, clock } = opened()
  downloads.accept(smol)
  const [download] = downloads.list
  expect([download!.progress, download!.speed, download!.leftMs]).toEqual([undefined, undefined, undefined])
  fetches[0]!.progress({ keptBytes: 62_000_000 })
  await clock.advance(2000)
  fetches[0]!.progress({ keptBytes: 62_000_000, fromPeers: 30_000_000, fromOrigins: 10_000_000, peers: 3 })
  expect(download!.speed).toEqual({ peers: 15_000_000, origins: 5_000_000 })
  expect([download!.hereBytes, download!.missingBytes]).toEqual([102_000_000, 160_000_000])
  expect(download!.leftMs).toBe(8000)
  await clock.advance(2000)
  expect(download!.speed).toEqual({ peers: 7_500_000, origins: 2_500_000 })
  await clock.advance(20_000)
  expect([download!.speed, download!.leftMs]).toEqual([{ peers: 0, origins: 0 }, undefined])
})

it('takes other sources at once when the visitor chooses so, and remembers the choice', async () => {
  const { downloads, fetches, stages, kept, token } = opened()
  token.value = 'hf_x'
  downloads.accept(smol)
  expect(fetches[0]!.options).toMatchObject({ originsOnly: false })
  expect(fetches[0]!.options.tokenOf('https://hub.example')).toBe('hf_x')
  downloads.originsOnly = true
  await settled()
  expect(fetches.map(({ options }) => options.originsOnly)).toEqual([false, true])
  expect(stages()).toEqual(['SmolLM2 360M running'])
  expect(opened(kept).downloads.originsOnly).toBe(true)
  // A pause in the same moment is a pause.
  downloads.originsOnly = false
  downloads.pause(downloads.list[0]!)
  await settled()
  expect([stages(), fetches.length]).toEqual([['SmolLM2 360M paused'], 2])
})

it('counts a licence that was accepted under a hub’s name for the model that came', async () => {
  const { downloads, fetches } = opened()
  const wanted = { kind: 'hub', repository: 'owner/name', revision: 'abc', dtype: 'q4' } as const
  downloads.want({ ...smol, wanted })
  downloads.accept()
  fetches[0]!.finish(SMOL)
  await settled()
  expect(downloads.list[0]!.model).toBe(SMOL)
  downloads.want(smol)
  expect(downloads.asked).toBeUndefined()
})

it('asks nobody any more once the page closes', async () => {
  const { downloads, fetches, clock } = opened()
  downloads.accept(smol)
  downloads.accept(tiny)
  downloads.stop()
  await clock.advance(millis(5000))
  expect([fetches.length, fetches[0]!.options.signal.aborted]).toEqual([1, true])
})
