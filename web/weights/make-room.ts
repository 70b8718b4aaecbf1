import type { Clock } from '#shared/base/clock.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { manifestBytes, type Manifest, type ManifestFile } from '#shared/models/manifest.ts'
import { evict, MODELS_SHARE, type Eviction, type KeptModel } from '#shared/models/store/eviction.ts'
import type { FileStore } from '#shared/models/store/file-store.ts'
import { heldBytes } from '#shared/models/store/one-fetch.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import type { StoreLocks } from '#shared/models/store/store-locks.ts'
import { useOf } from '#shared/models/store/use-files.ts'
import { isComing } from './coming-models.ts'
import type { KeptModels, KeptRecord } from './kept-models.ts'

const MB = 1_000_000

export interface RoomComponents {
  readonly store: PieceStore & Pick<FileStore, 'remove' | 'list'>
  readonly kept: KeptModels
  readonly locks: StoreLocks
  readonly clock: Clock
  readonly storage: Pick<StorageManager, 'estimate'> | undefined
  /** What models may take here by the visitor's wish, in bytes. @default no limit */
  readonly limitBytes?: number | undefined
  /** What models earn here in an hour, by their hash, all in one unit. @default what was noted last */
  readonly earnings?: (() => Promise<ReadonlyMap<string, number>>) | undefined
}

type Candidate = KeptModel & { readonly model: string; readonly files: KeptRecord['files'] }

/** A model that was deleted without the visitor's doing. `limit`: it would have found room but for the visitor's limit. */
export interface Evicted {
  /** Its hash; of a file that no model is known for, the file's. */
  readonly model: string
  readonly name: string
  readonly bytes: number
  readonly because: 'room' | 'limit'
}

/**
 * Makes room for what is missing of a model, before its download: models of the least worth go, but none that somebody
 * pinned, that is on its way, or that runs in any tab. Models get no more than their share of what the browser lets this page have, where
 * evicting can keep them to it; where one model alone is above it and still fits, it is let in. The visitor's own limit
 * is never passed.
 *
 * @returns what went
 * @throws InfernetError `models.no-space` or `models.over-limit` with both figures; nothing was deleted then. Where the
 *   browser does not say how much room there is, only the limit refuses.
 */
export async function makeRoom(components: RoomComponents, manifest: Manifest): Promise<readonly Evicted[]> {
  const { files } = manifest
  const neededBytes = manifestBytes(manifest) - (await heldBytes(components.store, manifest))
  return makeRoomFor(components, { files, neededBytes })
}

/** What is to come, whose pieces need not be known. */
export interface RoomWanted {
  /** What is no candidate to go. */
  readonly files: readonly Pick<ManifestFile, 'sha256'>[]
  readonly neededBytes: number
}

/** As {@link makeRoom}. */
export async function makeRoomFor(
  components: RoomComponents,
  { files, neededBytes }: RoomWanted,
): Promise<readonly Evicted[]> {
  const { store, storage, kept, clock, limitBytes = Infinity } = components
  if (neededBytes <= 0) return []
  const { quota, freeBytes } = (await readRoom(storage)) ?? { quota: Infinity, freeBytes: Infinity }
  const taken = await takenBytes(store)
  const underLimit = limitBytes - taken
  if (Math.min(freeBytes, underLimit) === Infinity) return []
  const candidates = await findCandidates(components, files)
  const floor = await kept.floor()
  const attempt = (room: number) =>
    evict(candidates, { wantedBytes: neededBytes, freeBytes: room, floor, now: clock.now() })
  const inShare = attempt(Math.min(freeBytes, quota * MODELS_SHARE - taken))
  const unlimited = inShare.missingBytes > 0 ? attempt(freeBytes) : inShare
  const neededMb = Math.ceil(neededBytes / MB)
  if (unlimited.missingBytes > 0)
    throw new InfernetError('models.no-space', { neededMb, freeMb: Math.floor(freeBytes / MB) })
  const limited = attempt(underLimit)
  if (limited.missingBytes > 0)
    throw new InfernetError('models.over-limit', {
      neededMb,
      freeMb: Math.max(0, Math.floor(underLimit / MB)),
    })
  const eviction = limited.victims.length > unlimited.victims.length ? limited : unlimited
  return forgetAll(components, eviction, (victim) => (unlimited.victims.includes(victim) ? 'room' : 'limit'))
}

/** Deletes models down to the visitor's limit, as far as they are neither pinned, nor on their way, nor in use. @returns what went */
export async function keepToLimit(components: RoomComponents): Promise<readonly Evicted[]> {
  const { store, kept, clock, limitBytes = Infinity } = components
  const tooMuch = (await takenBytes(store)) - limitBytes
  if (tooMuch <= 0) return []
  const candidates = await findCandidates(components, [])
  const terms = { freeBytes: 0, floor: await kept.floor(), now: clock.now() }
  const whole = evict(candidates, { ...terms, wantedBytes: tooMuch })
  const eviction =
    whole.missingBytes > 0
      ? evict(candidates, { ...terms, wantedBytes: tooMuch - whole.missingBytes })
      : whole
  return forgetAll(components, eviction, () => 'limit')
}

async function takenBytes(store: RoomComponents['store']): Promise<number> {
  return (await store.list()).reduce((sum, { bytes }) => sum + bytes, 0)
}

async function forgetAll(
  components: RoomComponents,
  { victims, floor }: Eviction,
  because: (victim: KeptModel) => Evicted['because'],
): Promise<readonly Evicted[]> {
  const gone: Evicted[] = []
  for (const victim of victims as readonly Candidate[]) {
    const { model, name, bytes } = victim
    if (await forget(components, victim)) gone.push({ model, name, bytes, because: because(victim) })
  }
  if (gone.length > 0) await components.kept.setFloor(floor)
  return gone
}

/** What is kept and no part of the wanted model, each with the bytes that only it has. */
async function findCandidates(
  { store, kept, locks, clock, earnings }: RoomComponents,
  files: RoomWanted['files'],
): Promise<readonly Candidate[]> {
  const wanted = new Set(files.map(({ sha256 }) => sha256))
  const here = new Map((await store.list()).map(({ sha256, bytes }) => [sha256, bytes]))
  const records = await noteEarnings(kept, earnings)
  const owners = new Map<string, number>()
  for (const { files } of records)
    for (const { sha256 } of files) owners.set(sha256, (owners.get(sha256) ?? 0) + 1)
  // What an older page left, and nobody came for since: it goes first.
  const orphans = [...here.keys()].filter((sha256) => !owners.has(sha256) && !wanted.has(sha256))
  const nameless = orphans.map((sha256) => ({ ...ORPHAN, model: sha256, files: [{ sha256, size: 0 }] }))
  return Promise.all(
    [...records, ...nameless].map(async (record) => {
      const files = record.files.filter(
        ({ sha256 }) => !wanted.has(sha256) && (owners.get(sha256) ?? 0) < 2 && here.has(sha256),
      )
      return {
        name: record.name || record.model,
        bytes: files.reduce((sum, { sha256 }) => sum + (here.get(sha256) ?? 0), 0),
        use: record,
        refetchSeconds: record.refetchSeconds,
        revenue: record.revenue,
        mustStay: record.isPinned || isComing(record, clock.now()) || (await isInUse(locks, files)),
        files,
        model: record.model,
      }
    }),
  )
}

/** Writes down what the journal says; without a journal what it said before counts. */
async function noteEarnings(
  kept: KeptModels,
  earnings: RoomComponents['earnings'],
): Promise<readonly KeptRecord[]> {
  const records = await kept.list()
  const earned = await earnings?.().catch(() => undefined)
  if (!earned) return records
  return Promise.all(
    records.map(async (record) => {
      const revenue = earned.get(record.model) ?? 0
      if (revenue === record.revenue) return record
      await kept.put({ ...record, revenue })
      return { ...record, revenue }
    }),
  )
}

const ORPHAN: Omit<KeptRecord, 'model' | 'files'> = {
  name: '',
  hits: 0,
  at: 0,
  floor: 0,
  refetchSeconds: 0,
  revenue: 0,
  isPinned: false,
}

async function isInUse(locks: StoreLocks, files: KeptRecord['files']): Promise<boolean> {
  for (const file of files) {
    const release = await locks.tryAcquire(useOf(file), 'exclusive')
    if (!release) return true
    release()
  }
  return false
}

/** False where another tab has begun to use it in between. */
async function forget({ store, kept }: RoomComponents, { files, model }: Candidate): Promise<boolean> {
  try {
    for (const file of files) await store.remove(file)
  } catch (thrown) {
    if (thrown instanceof InfernetError && thrown.code === 'models.in-use') return false
    throw thrown
  }
  await kept.remove(model)
  return true
}

/** Undefined where the browser does not say. */
async function readRoom(
  storage: RoomComponents['storage'],
): Promise<{ readonly quota: number; readonly freeBytes: number } | undefined> {
  try {
    const { usage = 0, quota } = (await storage?.estimate()) ?? {}
    return quota === undefined ? undefined : { quota, freeBytes: Math.max(0, quota - usage) }
  } catch {
    return undefined
  }
}
