import { sha256 } from '@noble/hashes/sha2.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { FakeClock } from '../../testing/fake-clock.ts'
import { MemoryDisk } from '../../testing/memory-disk.ts'
import { hashHex, makeModelFile, nodeDigest } from '../../testing/model-file.ts'
import { pieceStoreChecks } from '../../testing/piece-store-checks.ts'
import { MIB } from '../../base/units.ts'
import type { ManifestFile } from '../manifest.ts'
import { FileStore } from './file-store.ts'
import { PLACE_BYTES } from './map-record.ts'
import type { PieceMap } from './piece-map.ts'
import { LocalLocks } from './store-locks.ts'
import { useFiles } from './use-files.ts'

const made = makeModelFile(3 * MIB + 1234)
const { file, bytes, piece } = made
const recordOf = ({ sha256 }: ManifestFile) => `${sha256}.map`

function storeOn(
  disk: MemoryDisk,
  { locks = new LocalLocks(), clock = new FakeClock(), digest = nodeDigest } = {},
) {
  let hashed = 0
  const counting = (part: Uint8Array<ArrayBuffer>) => {
    hashed += part.length
    return digest(part)
  }
  let wholes = 0
  const hasher = () => {
    wholes++
    return sha256.create()
  }
  const store = new FileStore({ device: disk.device(), locks, digest: counting, hasher, clock })
  return { store, hashed: () => hashed, wholes: () => wholes }
}
const piecesOf = (map: PieceMap) => Array.from({ length: map.pieces }, (_, i) => i).filter((i) => map.has(i))
const fill = async (store: FileStore, { file, piece } = made) => {
  for (const i of file.pieces.keys()) expect(await store.put(file, i, piece(i))).toBe('kept')
}
const readAll = async (store: FileStore, of = file) => {
  const open = await store.open(of)
  const into = new Uint8Array(of.size)
  open?.read(0, into)
  await open?.close()
  return open && hashHex(into)
}

describe('FileStore', () => {
  it.each(Object.entries(pieceStoreChecks))('%s', (_, check) =>
    check(() => storeOn(new MemoryDisk()).store, nodeDigest),
  )

  it('gives a file once all of it is here, and reads it back once, piece by piece', async () => {
    const disk = new MemoryDisk()
    const { store, hashed, wholes } = storeOn(disk)
    expect(await store.isWhole(file)).toBe(false)
    await fill(store)
    const [heard, before] = [[] as number[], hashed()]
    expect(await store.isWhole(file, { onBytes: (count) => heard.push(count) })).toBe(true)
    expect([heard.at(-1), heard]).toEqual([file.size, heard.toSorted((a, b) => a - b)])
    expect([hashed() - before, wholes()], 'each byte once, and no hash of the whole').toEqual([file.size, 0])
    const later = storeOn(disk)
    expect(await later.store.isWhole(file, { onBytes: () => expect.fail('it was checked again') })).toBe(true)
    expect(await readAll(later.store)).toBe(file.sha256)
    expect(later.hashed(), 'nothing is hashed again either').toBe(0)
  })

  it('shows one store what another over the same disk writes', async () => {
    const [disk, locks] = [new MemoryDisk(), new LocalLocks()]
    const [one, other] = [storeOn(disk, { locks }).store, storeOn(disk, { locks }).store]
    await Promise.all([one.put(file, 0, piece(0)), other.put(file, 2, piece(2)), one.put(file, 3, piece(3))])
    expect(piecesOf(await one.held(file))).toEqual([0, 2, 3])
    expect(piecesOf(await other.held(file))).toEqual([0, 2, 3])
  })

  it('opens a file once for pieces that come and go one after another', async () => {
    const disk = new MemoryDisk()
    const device = disk.device()
    const opened: string[] = []
    const open: typeof device.open = (name, mode) => {
      opened.push(name === file.sha256 ? mode : `record, to ${mode}`)
      return device.open(name, mode)
    }
    const clock = new FakeClock()
    const store = new FileStore({
      device: { ...device, open },
      locks: new LocalLocks(),
      digest: nodeDigest,
      clock,
    })
    await store.put(file, 0, piece(0))
    opened.length = 0
    await store.put(file, 1, piece(1))
    await store.put(file, 2, piece(2))
    for (const i of [0, 1, 2]) expect(await store.read(file, i), 'while it is written').toEqual(piece(i))
    expect(opened).toEqual([])
    await store.put(file, 3, piece(3))
    for (const i of [3, 0]) expect(await store.read(file, i), 'once all is here').toEqual(piece(i))
    expect(opened).toEqual(['record, to read', 'read'])
  })

  it('notes how a file looks where the disk stamps it as it is closed', async () => {
    const disk = new MemoryDisk()
    const device = disk.device()
    const open: typeof device.open = async (name, mode) => {
      const opened = await device.open(name, mode)
      const close = async () => {
        await opened?.close()
        if (mode === 'write') disk.tamper(name, (present) => present)
      }
      return opened && { ...opened, close }
    }
    const clock = new FakeClock()
    const store = new FileStore({
      device: { ...device, open },
      locks: new LocalLocks(),
      digest: nodeDigest,
      clock,
    })
    await store.put(file, 0, piece(0))
    await clock.advance(1000)
    const later = storeOn(disk)
    expect(piecesOf(await later.store.held(file))).toEqual([0])
    expect(later.hashed(), 'it looks as it was noted').toBe(0)
  })

  it('takes over a beginning of a file that an older page left', async () => {
    const disk = new MemoryDisk()
    disk.put(file.sha256, bytes.slice(0, 2 * MIB + 99))
    const { store, hashed } = storeOn(disk)
    expect(piecesOf(await store.held(file))).toEqual([0, 1])
    expect(hashed()).toBe(2 * MIB)
    await store.held(file)
    expect(hashed(), 'once').toBe(2 * MIB)
  })

  it('leaves out of such a beginning what is not right', async () => {
    const disk = new MemoryDisk()
    disk.put(file.sha256, bytes.with(MIB + 5, (bytes[MIB + 5] ?? 0) ^ 1))
    expect(piecesOf(await storeOn(disk).store.held(file))).toEqual([0, 2, 3])
  })

  it('gives no file of which the disk gives other bytes than it took, and tells what is missing', async () => {
    const disk = new MemoryDisk({ now: () => 7 })
    const { store } = storeOn(disk)
    await fill(store)
    disk.tamper(file.sha256, (present) => present.with(2 * MIB, (present[2 * MIB] ?? 0) ^ 1), 7)
    expect(await readAll(store)).toBeUndefined()
    expect(piecesOf(await store.held(file))).toEqual([0, 1, 3])
    await store.put(file, 2, piece(2))
    expect(await readAll(store)).toBe(file.sha256)
  })

  it('stops reading when nobody waits for it any more', async () => {
    const { store } = storeOn(new MemoryDisk())
    const large = makeModelFile(9 * MIB)
    await fill(store, large)
    const stopper = new AbortController()
    const onBytes = () => stopper.abort(new Error('let go'))
    await expect(store.isWhole(large.file, { onBytes, signal: stopper.signal })).rejects.toThrow('let go')
    expect(await store.isWhole(large.file)).toBe(true)
  })

  it('checks a file again that was changed, before it gives anything of it', async () => {
    const disk = new MemoryDisk()
    await fill(storeOn(disk).store)
    expect(await storeOn(disk).store.isWhole(file)).toBe(true)
    disk.tamper(file.sha256, (present) => present.with(MIB + 1, (present[MIB + 1] ?? 0) ^ 255))
    const { store } = storeOn(disk)
    expect(await readAll(store)).toBeUndefined()
    expect(piecesOf(await store.held(file))).toEqual([0, 2, 3])
    await store.put(file, 1, piece(1))
    expect(await readAll(store)).toBe(file.sha256)
  })

  it('checks one that was cut, also where its time stayed as it was', async () => {
    const disk = new MemoryDisk({ now: () => 7 })
    await fill(storeOn(disk).store)
    disk.tamper(file.sha256, (present) => present.slice(0, MIB + 9), 7)
    expect(piecesOf(await storeOn(disk).store.held(file))).toEqual([0])
  })

  it('gives no piece whose bytes are others now, whatever the file looks like, and tells it as missing', async () => {
    const disk = new MemoryDisk({ now: () => 7 })
    const { store } = storeOn(disk)
    await fill(store)
    disk.tamper(file.sha256, (present) => present.with(3, (present[3] ?? 0) ^ 1), 7)
    expect(await store.read(file, 0)).toBeUndefined()
    expect(piecesOf(await store.held(file))).toEqual([1, 2, 3])
    expect(await store.isWhole(file)).toBe(false)
  })

  it.each([
    ['one that runs backwards', [5e12, 9, 4e12, 8, 1]],
    ['one that stands still', [0]],
    ['one years ahead', [4e15]],
  ])('believes what it noted under any clock of the disk: %s', async (_, times) => {
    let turn = 0
    const disk = new MemoryDisk({ now: () => times[turn++ % times.length] ?? 0 })
    await fill(storeOn(disk).store)
    const { store, hashed } = storeOn(disk)
    expect((await store.held(file)).isComplete).toBe(true)
    expect(hashed()).toBe(0)
  })

  it('lives on the older record when the newer one is torn, and finds again what that did not know', async () => {
    const disk = new MemoryDisk()
    const { store } = storeOn(disk)
    for (const i of [0, 1, 2]) await store.put(file, i, piece(i))
    for (const place of [0, 1]) {
      disk.tamper(recordOf(file), (present) => present.with(place * PLACE_BYTES + 66, 0x55))
      expect(piecesOf(await storeOn(disk).store.held(file))).toEqual([0, 1, 2])
    }
    disk.tamper(recordOf(file), (present) => present.fill(0))
    expect(piecesOf(await storeOn(disk).store.held(file))).toEqual([0, 1, 2])
  })
})

describe('a FileStore that gets no more room', () => {
  it.each(['quota', 'disk'] as const)('says so, why (%s), and keeps what is right', async (fullReason) => {
    const disk = new MemoryDisk({ roomBytes: 2 * MIB + 10_000, fullReason })
    const { store } = storeOn(disk)
    expect([await store.put(file, 0, piece(0)), await store.put(file, 1, piece(1))]).toEqual(['kept', 'kept'])
    expect(await store.put(file, 2, piece(2))).toBe('full')
    expect(store.fullReason).toBe(fullReason)
    const later = storeOn(disk)
    expect(piecesOf(await later.store.held(file))).toEqual([0, 1])
    expect(later.hashed(), 'the attempt leaves it as noted').toBe(0)
    disk.roomBytes = Infinity
    await later.store.put(file, 2, piece(2))
    await later.store.put(file, 3, piece(3))
    expect(await readAll(later.store)).toBe(file.sha256)
  })

  it('leaves nothing to be known where not even its record fits', async () => {
    const disk = new MemoryDisk({ roomBytes: 100 })
    const { store } = storeOn(disk)
    expect(await store.put(file, 0, piece(0))).toBe('full')
    expect((await store.held(file)).count).toBe(0)
  })
})

describe('a FileStore and manifests that contradict', () => {
  const other = makeModelFile(3 * MIB + 1234, { seed: 2 })

  it('lets a file go that lies about its whole, once another tells other pieces of it', async () => {
    const { store, wholes } = storeOn(new MemoryDisk())
    const lie = { ...other.file, sha256: file.sha256 }
    await fill(store, { ...other, file: lie })
    expect(await store.isWhole(lie), 'it is what its manifest names').toBe(true)
    expect((await store.held(file)).count).toBe(0)
    expect(wholes()).toBe(1)
    await fill(store)
    expect(await readAll(store)).toBe(file.sha256)
    await expect(store.held(lie)).rejects.toMatchObject({ code: 'models.corrupt' })
    await expect(store.isWhole(lie)).rejects.toMatchObject({ code: 'models.corrupt' })
    expect(wholes(), 'it is known from now on').toBe(2)
  })

  it('believes nobody about a file that was changed since', async () => {
    const disk = new MemoryDisk()
    const { store, wholes } = storeOn(disk)
    await fill(store)
    disk.tamper(file.sha256, () => other.bytes.slice())
    const lie = { ...other.file, sha256: file.sha256 }
    expect((await store.held(lie)).isComplete).toBe(true)
    expect(wholes()).toBe(0)
  })

  it('believes no map that is of other pieces', async () => {
    const { store } = storeOn(new MemoryDisk())
    const lie = { ...other.file, sha256: file.sha256 }
    for (const i of lie.pieces.keys()) await store.put(lie, i, other.piece(i))
    expect((await store.held(file)).count).toBe(0)
    await fill(store)
    expect(await readAll(store)).toBe(file.sha256)
  })

  it('notes nothing of one list in the record of another, also where both are written at once', async () => {
    // The platform hashes in threads, and whatever is done first comes first: all of one list may.
    const digest = (part: Uint8Array<ArrayBuffer>) => Promise.resolve(new Uint8Array(sha256(part)).buffer)
    const { store } = storeOn(new MemoryDisk(), { digest })
    const lie = { ...other.file, sha256: file.sha256 }
    const puts = await Promise.all(
      file.pieces.flatMap((_, i) => [store.put(file, i, piece(i)), store.put(lie, i, other.piece(i))]),
    )
    expect(new Set(puts)).toEqual(new Set(['kept']))
    // Whichever was written last, what is told as held is right.
    const map = await store.held(file)
    for (const i of piecesOf(map)) expect(await store.read(file, i)).toEqual(piece(i))
    expect(piecesOf(map).length, 'the lie was the last to write').toBeLessThan(file.pieces.length)
    await fill(store)
    expect(await readAll(store)).toBe(file.sha256)
  })

  it('refuses other pieces of a file that is right as a whole', async () => {
    const { store } = storeOn(new MemoryDisk())
    await fill(store)
    await store.isWhole(file)
    const lie = { ...other.file, sha256: file.sha256 }
    await expect(store.held(lie)).rejects.toMatchObject({ code: 'models.corrupt' })
    await expect(store.put(lie, 0, other.piece(0))).rejects.toMatchObject({ code: 'models.corrupt' })
    expect(await readAll(store)).toBe(file.sha256)
  })

  it('refuses a file with more or fewer pieces than it must have', async () => {
    const { store } = storeOn(new MemoryDisk())
    for (const pieces of [file.pieces.slice(1), [...file.pieces, ...file.pieces]])
      await expect(store.held({ ...file, pieces })).rejects.toMatchObject({ code: 'models.corrupt' })
  })

  it('holds a file without a byte, where its name is right', async () => {
    const { store } = storeOn(new MemoryDisk())
    const empty = makeModelFile(0, { path: 'empty.json' })
    expect(await store.isWhole(empty.file)).toBe(true)
    expect(await readAll(store, empty.file)).toBe(empty.file.sha256)
    const lie = { ...empty.file, sha256: 'b'.repeat(64) }
    await expect(store.isWhole(lie)).rejects.toMatchObject({ code: 'models.corrupt' })
  })
})

describe('a FileStore that deletes', () => {
  let disk: MemoryDisk
  const locks = new LocalLocks()
  beforeAll(async () => {
    disk = new MemoryDisk()
    await fill(storeOn(disk).store)
  })

  it('refuses what another uses, and deletes it once that one is done', async () => {
    const [one, other] = [storeOn(disk, { locks }).store, storeOn(disk, { locks }).store]
    const done = await useFiles(locks, [file])
    await expect(other.remove(file)).rejects.toMatchObject({ code: 'models.in-use' })
    expect(await readAll(other)).toBe(file.sha256)
    done()
    expect(await other.list()).toEqual([{ sha256: file.sha256, bytes: file.size }])
    await other.remove(file)
    expect([...disk.files.keys()]).toEqual([])
    expect((await one.held(file)).count).toBe(0)
    await other.remove(file)
  })

  it('waits for two minutes for a file that another holds, then says so', async () => {
    const clock = new FakeClock()
    await locks.acquire(file.sha256, { mode: 'exclusive' })
    const waiting = storeOn(disk, { locks, clock }).store.held(file)
    const refused = expect(waiting).rejects.toMatchObject({ code: 'models.store-busy' })
    await clock.advance(120_000)
    await refused
  })
})
