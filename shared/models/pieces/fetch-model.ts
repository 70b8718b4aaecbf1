import { InfernetError } from '../../errors/infernet-error.ts'
import type { Manifest } from '../manifest.ts'
import type { FetchProgress } from './fetch-progress.ts'
import { FetchRun } from './fetch-run.ts'
import type { FetchComponents, FetchOptions } from './fetch-terms.ts'
import { PieceNumbers } from './numbering.ts'

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
