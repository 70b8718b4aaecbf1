import { describe, expect, it } from 'vitest'
import { MIB, MINUTE_MS } from '#shared/base/units.ts'
import { FileStore } from '#shared/models/store/file-store.ts'
import { LocalLocks } from '#shared/models/store/store-locks.ts'
import { useFiles } from '#shared/models/store/use-files.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { MemoryDisk } from '#shared/testing/memory-disk.ts'
import {
  makeManifest,
  makeModelFile,
  nodeDigest as digest,
  type MadeFile,
} from '#shared/testing/model-file.ts'
import type { KeptModels, KeptRecord } from './kept-models.ts'
import { keepToLimit, makeRoom } from './make-room.ts'

const [wanted, often, once, shared] = [1, 2, 3, 4].map((seed) => makeModelFile(MIB, { seed })) as [
  MadeFile,
  MadeFile,
  MadeFile,
  MadeFile,
]

const NOW = new FakeClock().now()
const DAY_MS = 24 * 60 * MINUTE_MS

function record(model: string, files: readonly MadeFile[], more: Partial<KeptRecord> = {}): KeptRecord {
  const described = files.map(({ file: { sha256, size } }) => ({ sha256, size }))
  const use = { hits: 1, at: NOW, floor: 0, refetchSeconds: 10, revenue: 0, isPinned: false }
  return { model, name: model, ...use, files: described, ...more }
}

async function opened({ quota, usage }: { quota?: number; usage?: number }, records: readonly KeptRecord[]) {
  const [disk, locks, clock] = [new MemoryDisk(), new LocalLocks(), new FakeClock()]
  const store = new FileStore({ device: disk.device(), locks, digest, clock })
  for (const { file, piece } of [often, once, shared]) await store.put(file, 0, piece(0))
  const known = new Map(records.map((each) => [each.model, each]))
  let floor = 0
  const kept: KeptModels = {
    list: async () => [...known.values()],
    put: async (each) => void known.set(each.model, each),
    remove: async (model) => void known.delete(model),
    floor: async () => floor,
    setFloor: async (value) => void (floor = value),
  }
  const storage = { estimate: async () => ({ ...(quota !== undefined && { quota }), usage: usage ?? 0 }) }
  const here = async () => new Set((await store.list()).map(({ sha256 }) => sha256))
  return { components: { store, kept, locks, clock, storage }, known, here, locks }
}
const manifest = makeManifest(wanted.file)
/** More than what is free: one of the others goes. */
const twoMib = makeManifest(makeModelFile(1.5 * MIB, { seed: 9 }).file)

describe('a download that is not over', () => {
  const coming = (comingSince: number) =>
    record('coming', [often], { hits: 0, refetchSeconds: 0, ...{ comingSince } })
  const others = [record('once', [once], { hits: 9 }), record('shared', [shared], { hits: 5 })]
  const room = { quota: 10 * MIB, usage: 9.5 * MIB }

  it.each([
    ['a day ago', 1],
    ['six days ago', 6],
  ])('gone on with %s stays, though it was never used: what is used least goes', async (_, days) => {
    const { components } = await opened(room, [coming(NOW - days * DAY_MS), ...others])
    expect((await makeRoom(components, manifest)).map(({ model }) => model)).toEqual(['shared'])
    const limited = { ...components, limitBytes: 1.5 * MIB }
    expect((await keepToLimit(limited)).map(({ model }) => model)).toEqual(['once'])
  })

  it.each([
    ['eight days ago', 8],
    ['in a year, by a clock that jumped', -365],
  ])('gone on with %s goes first', async (_, days) => {
    const { components } = await opened(room, [coming(NOW - days * DAY_MS), ...others])
    expect((await makeRoom(components, manifest)).map(({ model }) => model)).toEqual(['coming'])
  })
})

describe('makeRoom', () => {
  const records = [record('often', [often, shared], { hits: 9 }), record('once', [once, shared])]

  it('leaves all where there is room, or where the browser says nothing of it', async () => {
    for (const room of [{ quota: 100 * MIB, usage: 3 * MIB }, {}]) {
      const { components, here } = await opened(room, records)
      expect(await makeRoom(components, manifest)).toEqual([])
      expect((await here()).size).toBe(3)
    }
  })

  it('deletes what is worth least, and no file that another model has too', async () => {
    const { components, here, known } = await opened({ quota: 8 * MIB, usage: 7.5 * MIB }, records)
    expect(await makeRoom(components, manifest)).toMatchObject([
      { name: 'once', model: 'once', because: 'room' },
    ])
    expect(await here()).toEqual(new Set([often.file.sha256, shared.file.sha256]))
    expect([...known.keys()]).toEqual(['often'])
    expect(await components.kept.floor()).toBeGreaterThan(0)
  })

  it('keeps what earned before what did not, all else being equal, and forgets what earns no more', async () => {
    const equal = [record('often', [often]), record('once', [once], { revenue: 9 })]
    for (const earner of ['often', 'once']) {
      const other = earner === 'often' ? 'once' : 'often'
      const { components, known } = await opened({ quota: 8 * MIB, usage: 7 * MIB }, equal)
      const earnings = async () => new Map([[earner, 0.2]])
      await components.store.remove(shared.file)
      expect(await makeRoom({ ...components, earnings }, twoMib)).toMatchObject([{ model: other }])
      expect(known.get(earner)?.revenue).toBe(0.2)
    }
  })

  it('goes by what was noted where the journal cannot be read', async () => {
    const noted = [record('often', [often]), record('once', [once], { revenue: 9 })]
    const { components } = await opened({ quota: 8 * MIB, usage: 7 * MIB }, noted)
    await components.store.remove(shared.file)
    const earnings = () => Promise.reject(new Error('no database'))
    expect(await makeRoom({ ...components, earnings }, twoMib)).toMatchObject([{ model: 'often' }])
  })

  it('keeps models to their share of what the page may have', async () => {
    // 3 MiB are taken of 6; with one more it would be two thirds.
    const { components, here } = await opened({ quota: 6 * MIB, usage: 3 * MIB }, records)
    expect(await makeRoom(components, manifest)).toMatchObject([
      { name: 'once', model: 'once', because: 'room' },
    ])
    expect((await here()).size).toBe(2)
  })

  it('deletes nothing that is pinned or runs in any tab, and nothing at all where that is not enough', async () => {
    const pinned = [record('often', [often]), record('once', [once, shared], { isPinned: true })]
    const { components, here, locks } = await opened({ quota: 8 * MIB, usage: 7.9 * MIB }, pinned)
    await useFiles(locks, [often.file])
    await expect(makeRoom(components, manifest)).rejects.toMatchObject({
      code: 'models.no-space',
      facts: { neededMb: 2, freeMb: 0 },
    })
    expect((await here()).size).toBe(3)
  })

  it('takes first what no model is known for, and counts what is here of the wanted one', async () => {
    const { components, here } = await opened({ quota: 8 * MIB, usage: 7.9 * MIB }, [
      record('often', [often]),
    ])
    expect((await makeRoom(components, manifest)).length).toBe(1)
    expect(await here()).toContain(often.file.sha256)
    const { store } = components
    await store.put(wanted.file, 0, wanted.piece(0))
    expect(await makeRoom(components, manifest)).toEqual([])
  })

  it('asks no room for a clock that jumped: uses in the future count as now', async () => {
    const future = [record('often', [often], { hits: 9, at: 4e15 }), record('once', [once], { at: 4e15 })]
    const { components } = await opened({ quota: 8 * MIB, usage: 7.5 * MIB }, [
      ...future,
      record('x', [shared], { hits: 5 }),
    ])
    expect(await makeRoom(components, manifest)).toMatchObject([
      { name: 'once', model: 'once', because: 'room' },
    ])
  })

  it('passes no limit of the visitor, and says which of the two it was', async () => {
    const { components } = await opened({ quota: 100 * MIB, usage: 3 * MIB }, records)
    const limited = { ...components, limitBytes: 3.5 * MIB }
    expect(await makeRoom(limited, manifest)).toMatchObject([{ name: 'once', because: 'limit' }])
    await expect(makeRoom({ ...components, limitBytes: MIB / 2 }, manifest)).rejects.toMatchObject({
      code: 'models.over-limit',
      facts: { neededMb: 2, freeMb: 0 },
    })
    // Also where the browser says nothing of its room.
    await expect(
      makeRoom({ ...components, storage: undefined, limitBytes: MIB / 2 }, manifest),
    ).rejects.toMatchObject({ code: 'models.over-limit' })
  })

  it('deletes down to a limit, as far as nothing is pinned', async () => {
    const pinned = [record('often', [often], { hits: 9 }), record('once', [once, shared], { isPinned: true })]
    const { components, here } = await opened({}, pinned)
    expect(await keepToLimit({ ...components, limitBytes: 3 * MIB })).toEqual([])
    const gone = await keepToLimit({ ...components, limitBytes: MIB })
    expect(gone).toEqual([{ model: 'often', name: 'often', bytes: MIB, because: 'limit' }])
    expect(await here()).toEqual(new Set([once.file.sha256, shared.file.sha256]))
    expect(await keepToLimit({ ...components, limitBytes: MIB })).toEqual([])
  })
})
