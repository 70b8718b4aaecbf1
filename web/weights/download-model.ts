import type { Clock } from '#shared/base/clock.ts'
import type { Random } from '#shared/base/random.ts'
import { hasCode, InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadOptions } from '#shared/models/load-progress.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { fetchModel } from '#shared/models/pieces/fetch-model.ts'
import type { FetchProgress } from '#shared/models/pieces/fetch-progress.ts'
import type { FetchOrigin } from '#shared/models/pieces/origin-reader.ts'
import { fullError } from '#shared/models/store/full-error.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import type { TabSwarm } from './tab-swarm.ts'

export interface DownloadComponents {
  readonly clock: Clock
  readonly random: Random
  readonly store: PieceStore
  /** The best first. */
  readonly origins: readonly FetchOrigin[]
  /** @default none: from the origins alone */
  readonly swarm?: Pick<TabSwarm, 'fetch' | 'mayAsk'> | undefined
}

export interface DownloadOptions extends LoadOptions {
  /** Asks no peer. @default false */
  readonly originsOnly?: boolean | undefined
  /** What came from where. */
  readonly onPieces?: ((progress: FetchProgress) => void) | undefined
}

/**
 * Brings what is missing of a model into a store, from peers and origins at once.
 *
 * @throws InfernetError `models.quota-exceeded` or `models.disk-full` when the store takes no more; when nobody has the
 *   rest `origin.gated` where a hub asks for a token, else `models.nobody-left`, or where no peer was asked what the last
 *   origin failed with; or the signal's reason
 */
export async function downloadModel(
  { clock, random, store, origins, swarm }: DownloadComponents,
  manifest: Manifest,
  { signal, onProgress, originsOnly = false, onPieces }: DownloadOptions = {},
): Promise<void> {
  let last: FetchProgress | undefined
  const tell = (progress: FetchProgress): void => {
    last = progress
    onPieces?.(progress)
    onProgress?.({
      phase: 'downloading',
      loadedBytes: progress.heldBytes,
      totalBytes: progress.totalBytes,
    })
  }
  try {
    const options = { signal, onProgress: tell }
    if (swarm) await swarm.fetch(manifest, { store, origins, originsOnly, ...options })
    else await fetchModel({ store, origins, clock, random }, manifest, options)
  } catch (thrown) {
    signal?.throwIfAborted()
    if (hasCode(thrown, 'models.store-full')) throw fullError(store)
    if (!hasCode(thrown, 'models.nobody-left')) throw thrown
    const faults = last?.faults.filter(({ from }) => from === 'origin').map(({ error }) => error) ?? []
    const noPeers = originsOnly || swarm?.mayAsk !== true
    // A token helps, whoever else was asked.
    throw faults.findLast(isGate) ?? (noPeers ? blameOf(faults.at(-1)) : undefined) ?? thrown
  }
}

function isGate(fault: InfernetError): boolean {
  return fault.code === 'origin.gated'
}

/** Nothing comes from elsewhere, so other bytes than those of the model are its end. */
function blameOf(fault: InfernetError | undefined): InfernetError | undefined {
  return fault?.code === 'models.origin-differs' ? new InfernetError('models.corrupt', fault.facts) : fault
}
