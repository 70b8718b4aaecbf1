import { PIECE_BYTES } from '../models/manifest.ts'
import { FileStore } from '../models/store/file-store.ts'
import { LocalLocks } from '../models/store/store-locks.ts'
import { seededChance } from './chance.ts'
import { FakeClock } from './fake-clock.ts'
import { Killed, MemoryDisk } from './memory-disk.ts'
import { hashHex, nodeDigest, type MadeFile } from './model-file.ts'

/** Pieces that are under way at a time, as a downloader has them. */
const AT_ONCE = 3

export interface KillsInit {
  readonly seed: number
  readonly kills: number
  /** The power goes too: what was not flushed may be lost. @default false */
  readonly cutsPower?: boolean
}

export interface KillsOutcome {
  readonly kills: number
  /** Pieces that came again although they were told as kept before. */
  readonly fetchedAgain: number
  /** The most pieces that one kill cost. */
  readonly mostLost: number
  /** Held pieces whose bytes were not right. */
  readonly corrupt: number
  /** SHA-256 of what is there in the end. */
  readonly sha256: string | undefined
}

/**
 * Fills a store whose process is killed again and again, at any byte of a write and between any two steps, and looks
 * after each death at what is left.
 */
export async function killOften(
  made: MadeFile,
  { seed, kills, cutsPower = false }: KillsInit,
): Promise<KillsOutcome> {
  const chance = seededChance(seed)
  const disk = new MemoryDisk()
  const told = new Set<number>()
  const result = { kills: 0, fetchedAgain: 0, mostLost: 0, corrupt: 0 }
  while (result.kills < kills) {
    // Now and then at once, now and then after some pieces.
    const after = Math.floor(chance() ** 3 * 2.5 * PIECE_BYTES)
    const device = disk.device({ after, ...(cutsPower ? { powerCut: chance } : {}) })
    const begun = await fillUntilDeath(storeOver(device), made, told, chance)
    if (device.isDead) result.kills++
    const left = storeOver(disk.device())
    const map = await left.held(made.file)
    const lost = [...told].filter((piece) => !map.has(piece))
    result.fetchedAgain += lost.length
    result.mostLost = Math.max(result.mostLost, [...begun].filter((piece) => !map.has(piece)).length)
    for (let piece = 0; piece < map.pieces; piece++)
      if (map.has(piece) && !(await left.read(made.file, piece))) result.corrupt++
    if (!map.isComplete) continue
    if (result.kills >= kills) break
    // It was done too early: from the beginning, on a disk that was used before.
    await left.remove(made.file)
    told.clear()
  }
  const left = storeOver(disk.device())
  for (const piece of made.file.pieces.keys()) await left.put(made.file, piece, made.piece(piece))
  const open = await left.open(made.file)
  const into = new Uint8Array(made.file.size)
  open?.read(0, into)
  return { ...result, sha256: open && hashHex(into) }
}

function storeOver(device: ConstructorParameters<typeof FileStore>[0]['device']): FileStore {
  return new FileStore({ device, locks: new LocalLocks(), digest: nodeDigest, clock: new FakeClock() })
}

/** Gives what was begun in this life; what was told as kept is added to `told`. */
async function fillUntilDeath(
  store: FileStore,
  { file, piece }: MadeFile,
  told: Set<number>,
  chance: () => number,
): Promise<ReadonlySet<number>> {
  const begun = new Set<number>()
  const unlessKilled = (thrown: unknown): void => {
    const cause = thrown instanceof Error ? thrown.cause : undefined
    if (!(thrown instanceof Killed) && !(cause instanceof Killed)) throw thrown
  }
  try {
    const map = await store.held(file)
    const missing = [...file.pieces.keys()].filter((each) => !map.has(each)).sort(() => chance() - 0.5)
    const take = async (): Promise<void> => {
      for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
        begun.add(next)
        if ((await store.put(file, next, piece(next))) === 'kept') told.add(next)
        begun.delete(next)
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, take))
    for (const end of ends) if (end.status === 'rejected') unlessKilled(end.reason)
    await store.isWhole(file)
  } catch (thrown) {
    unlessKilled(thrown)
  }
  return begun
}
