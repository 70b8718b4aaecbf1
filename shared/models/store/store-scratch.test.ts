import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MIB } from '../../base/units.ts'
import { seededChance } from '../../testing/chance.ts'
import { FakeClock } from '../../testing/fake-clock.ts'
import { Killed, MemoryDisk } from '../../testing/memory-disk.ts'
import { makeModelFile, nodeDigest as digest, type MadeFile } from '../../testing/model-file.ts'
import type { ByteSource } from '../byte-source.ts'
import { fetchFile } from '../origin/fetch-file.ts'
import type { ListedFile } from '../origin/origin.ts'
import { partName } from './adopt-file.ts'
import { FileStore } from './file-store.ts'
import type { StoreDevice } from './store-device.ts'
import { LocalLocks } from './store-locks.ts'
import { StoreScratch } from './store-scratch.ts'

const large = makeModelFile(3 * MIB + 1234)
const short = makeModelFile(MIB + 300_000, { seed: 4 })
const small = makeModelFile(20_000, { seed: 2, path: 'config.json' })
const gitHashOf = ({ bytes }: MadeFile): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
const listed = ({ file: { path, size, sha256 } }: MadeFile): ListedFile => ({ path, size, sha256 })
const listedSmall: ListedFile = { path: 'config.json', size: 20_000, gitHash: gitHashOf(small) }

/** A hub that counts what it sends, and breaks off for good after so many bytes. */
function hubOf(made: MadeFile, cutAt = Infinity) {
  const opened: number[] = []
  let sent = 0
  const source: ByteSource = {
    async open(_, { offset }) {
      opened.push(offset)
      return {
        offset,
        body: (async function* () {
          for (let at = offset; at < made.bytes.length; at += 100_000) {
            if (at >= cutAt) throw new DOMException('the visitor paused', 'AbortError')
            const part = made.bytes.slice(at, at + 100_000)
            sent += part.length
            yield part
          }
        })(),
      }
    },
  }
  return { source, opened, sent: () => sent }
}

function openOn(device: StoreDevice, locks = new LocalLocks()) {
  const store = new FileStore({ device, locks, digest, clock: new FakeClock() })
  return { store, scratch: new StoreScratch({ device, locks, store }) }
}
const bring = (scratch: StoreScratch, source: ByteSource, file: ListedFile) =>
  fetchFile({ source, digest, scratch, streamingHash: () => createHash('sha256') }, file)

async function contentOf(store: FileStore, made: MadeFile): Promise<Buffer | undefined> {
  const open = await store.open(made.file)
  const into = new Uint8Array(made.file.size)
  open?.read(0, into)
  await open?.close()
  return open && Buffer.from(into)
}

describe('StoreScratch', () => {
  it.each([
    ['with another name', (device: StoreDevice) => device],
    [
      'by a copy where a device gives no other name',
      (device: StoreDevice) => {
        const bare = { ...device }
        delete bare.rename
        return bare
      },
    ],
  ])('gives a large file to the store as it came, whole and noted, %s', async (_, change) => {
    const disk = new MemoryDisk()
    const { store, scratch } = openOn(change(disk.device()))
    const { sent, source } = hubOf(large)
    expect(await bring(scratch, source, listed(large))).toEqual(large.file)
    await scratch.tidy()
    expect(sent()).toBe(large.file.size)
    expect([...disk.files.keys()].toSorted()).toEqual([large.file.sha256, `${large.file.sha256}.map`])
    const onBytes = () => expect.fail('it was read again')
    expect(await store.isWhole(large.file, { onBytes })).toBe(true)
    expect(await contentOf(store, large)).toEqual(Buffer.from(large.bytes))
  })

  it('goes on where an attempt ended, and counts what has come as taken', async () => {
    const disk = new MemoryDisk()
    const first = openOn(disk.device())
    await expect(
      bring(first.scratch, hubOf(large, 2 * MIB + 500_000).source, listed(large)),
    ).rejects.toThrow()
    first.scratch.release()
    expect(await first.store.list()).toEqual([{ sha256: large.file.sha256, bytes: 2 * MIB }])
    const { store, scratch } = openOn(disk.device())
    const { source, opened } = hubOf(large)
    await bring(scratch, source, listed(large))
    expect(opened).toEqual([2 * MIB])
    expect(await contentOf(store, large)).toEqual(Buffer.from(large.bytes))
  })

  it('reads what the store has and fetches nothing, and does not believe a place with holes', async () => {
    const disk = new MemoryDisk()
    const { store, scratch } = openOn(disk.device())
    for (const i of large.file.pieces.keys()) await store.put(large.file, i, large.piece(i))
    const unasked = hubOf(large)
    expect(await bring(scratch, unasked.source, listed(large))).toEqual(large.file)
    expect(unasked.opened).toEqual([])

    const other = makeModelFile(2 * MIB, { seed: 3 })
    await store.put(other.file, 1, other.piece(1))
    const { source, opened } = hubOf(other)
    await bring(scratch, source, listed(other))
    expect(opened).toEqual([0])
    expect(await contentOf(store, other)).toEqual(Buffer.from(other.bytes))
  })

  it('finds a small file again by its Git hash until all is here, and then leaves nothing of it beside', async () => {
    const disk = new MemoryDisk()
    const first = openOn(disk.device())
    await bring(first.scratch, hubOf(small).source, listedSmall)
    first.scratch.release()
    const { store, scratch } = openOn(disk.device())
    const { source, opened } = hubOf(small)
    expect(await bring(scratch, source, listedSmall)).toEqual(small.file)
    expect(opened).toEqual([])
    await scratch.tidy()
    expect([...disk.files.keys()].toSorted()).toEqual([small.file.sha256, `${small.file.sha256}.map`])
    expect(await contentOf(store, small)).toEqual(Buffer.from(small.bytes))
  })

  it('never goes on with a file of which no hash is known', async () => {
    const disk = new MemoryDisk()
    const file = { path: 'config.json', size: 20_000 }
    await bring(openOn(disk.device()).scratch, hubOf(small).source, file)
    const { source, opened } = hubOf(small)
    await bring(openOn(disk.device()).scratch, source, file)
    expect(opened).toEqual([0])
  })

  it.each([
    ['quota', 'models.quota-exceeded'],
    ['disk', 'models.disk-full'],
  ] as const)('says why no more fits (%s), and goes on when there is room', async (fullReason, code) => {
    const disk = new MemoryDisk({ roomBytes: 2.5 * MIB, fullReason })
    const full = openOn(disk.device())
    await expect(bring(full.scratch, hubOf(large).source, listed(large))).rejects.toMatchObject({ code })
    disk.roomBytes = Infinity
    const { store, scratch } = openOn(disk.device())
    await bring(scratch, hubOf(large).source, listed(large))
    expect(await contentOf(store, large)).toEqual(Buffer.from(large.bytes))
  })

  it('lets one user write at a time, of whom the second finds it done, and nobody delete it', async () => {
    const [disk, locks] = [new MemoryDisk(), new LocalLocks()]
    const [one, other] = [openOn(disk.device(), locks), openOn(disk.device(), locks)]
    const [first, second] = [hubOf(large), hubOf(large)]
    await Promise.all([
      bring(one.scratch, first.source, listed(large)),
      bring(other.scratch, second.source, listed(large)),
    ])
    expect(first.sent() + second.sent()).toBe(large.file.size)
    one.scratch.release()
    await expect(one.store.remove(large.file)).rejects.toMatchObject({ code: 'models.in-use' })
    other.scratch.release()
    await one.store.remove(large.file)
    expect(disk.files.size).toBe(0)
  })

  it('deletes with a file what has grown of it', async () => {
    const disk = new MemoryDisk()
    const { store, scratch } = openOn(disk.device())
    await expect(bring(scratch, hubOf(large, 2 * MIB).source, listed(large))).rejects.toThrow()
    scratch.release()
    expect(disk.files.has(partName(large.file.sha256))).toBe(true)
    await store.remove(large.file)
    expect(disk.files.size).toBe(0)
  })

  it('survives deaths at random moments: at most the piece in flight comes again, and what is given is right', async () => {
    const chance = seededChance(12)
    for (let round = 0; round < 10; round++) {
      const disk = new MemoryDisk()
      const [sent, deaths] = [hubOf(short), 1 + Math.floor(chance() * 3)]
      for (let death = 0; death < deaths; death++) {
        const { scratch } = openOn(disk.device({ after: Math.floor(chance() * 2 * short.file.size) }))
        await bring(scratch, sent.source, listed(short)).catch((thrown: unknown) => {
          expect(thrown).toBeInstanceOf(Killed)
        })
      }
      const { store, scratch } = openOn(disk.device())
      await bring(scratch, sent.source, listed(short))
      expect(await contentOf(store, short), `round ${round}`).toEqual(Buffer.from(short.bytes))
      expect(sent.sent()).toBeLessThanOrEqual(short.file.size + deaths * (MIB + 100_000))
    }
  })
})
