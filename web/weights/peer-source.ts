import { concatBytes, toHex } from '#shared/base/bytes.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource, Digest } from '#shared/models/byte-source.ts'
import type { Manifest, ManifestFile } from '#shared/models/manifest.ts'
import { readSmallFile } from '#shared/models/read-small-file.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import type { TabSwarm } from './tab-swarm.ts'

export interface PeerSourceComponents {
  /** Undefined for a model that is at peers alone. */
  readonly origin: ByteSource | undefined
  readonly swarm: Pick<TabSwarm, 'fetch' | 'mayAsk'>
  readonly digest: Digest
  /** Undefined where this browser keeps nothing. */
  readonly openStore: () => Promise<PieceStore | undefined>
}

/**
 * Small files of a model from its origin; where it is away or serves other bytes, from peers. Each is read as a whole.
 *
 * @throws what the origin failed with, when peers have it neither; without an origin InfernetError `models.withheld`, or
 *   `models.peers-not-asked` where the visitor forbids it
 */
export function peerSource(components: PeerSourceComponents, manifest: Manifest): ByteSource {
  return {
    async open(path, options) {
      const file = manifest.files.find((each) => each.path === path)
      const { origin, swarm } = components
      if (!file) {
        if (origin) return origin.open(path, options)
        throw new InfernetError('models.unavailable', { path, status: 'not a file of it' })
      }
      const failed = (): Error =>
        new InfernetError(swarm.mayAsk ? 'models.withheld' : 'models.peers-not-asked', { path })
      const reading = origin ? readFromOrigin(components, origin, file) : Promise.reject(failed())
      const bytes = await reading.catch(async (thrown: unknown) => {
        const fromPeers = await readFromPeers(components, manifest, file).catch(() => undefined)
        if (!fromPeers) throw thrown
        return fromPeers
      })
      const { offset } = options
      return {
        offset,
        body: (async function* () {
          yield bytes.subarray(offset)
        })(),
      }
    },
  }
}

async function readFromOrigin(
  { digest }: PeerSourceComponents,
  origin: ByteSource,
  { path, size, sha256 }: ManifestFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readSmallFile(origin, path, size)
  const isRight = toHex(new Uint8Array(await digest(bytes))) === sha256
  if (!isRight) throw new InfernetError('models.corrupt', { path })
  return bytes
}

async function readFromPeers(
  { swarm, digest, openStore }: PeerSourceComponents,
  manifest: Manifest,
  file: ManifestFile,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const store = (await openStore()) ?? new MemoryStore({ digest })
  await swarm.fetch(manifest, { store, origins: [], paths: [file.path] })
  const pieces = await Promise.all(file.pieces.map((_, piece) => store.read(file, piece)))
  return pieces.every((bytes) => bytes !== undefined) ? concatBytes(...pieces) : undefined
}
