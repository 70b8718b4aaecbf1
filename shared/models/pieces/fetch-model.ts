import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { Manifest } from '../manifest.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { ExchangeLedger } from './exchange-ledger.ts'
import type { FetchProgress } from './fetch-progress.ts'
import { FetchRun } from './fetch-run.ts'
import { PieceNumbers } from './numbering.ts'
import type { FetchOrigin } from './origin-reader.ts'
import type { RateCap } from './rate-cap.ts'
import type { Swarm } from './swarm.ts'

export interface FetchComponents {
  readonly store: Pick<PieceStore, 'held' | 'put'>
  /** Origins over HTTP, the best first. They are read beside peers while these are slow. @default none */
  readonly origins?: readonly FetchOrigin[] | undefined
  /** Where peers are found. @default none are asked, and none hears which model this is */
  readonly swarm?: Swarm | undefined
  readonly clock: Clock
  readonly random: Random
  /** What went to and came from peers in this session, bans included. @default one of this download */
  readonly ledger?: ExchangeLedger | undefined
  /** What the visitor lets in. @default no cap */
  readonly cap?: RateCap | undefined
}

export interface FetchOptions {
  /** Files to bring. @default all of the manifest */
  readonly paths?: readonly string[] | undefined
  /** Ends or pauses it: what is kept is kept, and the next call goes on from there. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined
  /** A piece is in the store now, by its flat number: whoever seeds tells its peers. */
  readonly onHeld?: ((piece: number) => void) | undefined
  /**
   * How much an origin costs: it is read only while peers bring less than this part (1 / cost) of what it brings.
   * Infinity reads it only where no peer serves, 0 always.
   * @default ORIGIN_COST
   */
  readonly originCost?: number | undefined
}

/**
 * Brings a model's files into a store, piece by piece, from peers and origins at once.
 *
 * Every piece is checked by the store. A peer that sends a wrong one is not asked again, an origin that serves other
 * bytes neither; the pieces come from elsewhere. Only pieces that were on their way are ever fetched again.
 *
 * @throws InfernetError `models.corrupt` for a manifest that contradicts itself, `models.unavailable` for a path that it
 * does not list, `models.store-full`, `models.nobody-left` when neither peers nor origins have the rest; what the store
 * throws; or the signal's reason
 *
 * @example
 * await fetchModel({ store, swarm, origins: [{ name: 'the hub', source }], clock, random }, manifest, { onProgress })
 */
export async function fetchModel(
  components: FetchComponents,
  manifest: Manifest,
  options: FetchOptions = {},
): Promise<FetchProgress> {
  const { paths, signal } = options
  signal?.throwIfAborted()
  const numbers = new PieceNumbers(manifest)
  const files = numbers.files.filter(({ path }) => paths?.includes(path) ?? true)
  const unknown = paths?.find((path) => !files.some((file) => file.path === path))
  if (unknown !== undefined)
    throw new InfernetError('models.unavailable', { path: unknown, status: 'not in the manifest' })
  const wanted = files.flatMap((file) => {
    const start = numbers.startOf(numbers.files.indexOf(file))
    return file.pieces.map((_, piece) => start + piece)
  })
  const held = await numbers.heldIn(components.store)
  signal?.throwIfAborted()
  return new FetchRun(components, { manifest, numbers, wanted, held }, options).run()
}
