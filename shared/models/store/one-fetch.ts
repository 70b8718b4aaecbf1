import type { Clock } from '../../base/clock.ts'
import { millis, SECOND_MS } from '../../base/units.ts'
import type { LoadOptions } from '../load-progress.ts'
import { manifestBytes, type Manifest } from '../manifest.ts'
import { lengthOfPiece } from './kept-file.ts'
import type { PieceStore } from './piece-store.ts'
import type { StoreLocks } from './store-locks.ts'
import { holdAll } from './use-files.ts'

/** How often one that waits looks what came meanwhile. */
const LOOK_MS = SECOND_MS

export interface OneFetchComponents {
  readonly store: PieceStore
  readonly locks: StoreLocks
  readonly clock: Clock
}

/**
 * Runs `fetch` in one tab at a time for the files of a model. The others wait, tell what comes meanwhile, and begin
 * with what is here when it is their turn: when the first is done, or its tab is gone.
 *
 * @throws what `fetch` throws, or the signal's reason
 */
export async function fetchOnce(
  { store, locks, clock }: OneFetchComponents,
  manifest: Manifest,
  fetch: () => Promise<void>,
  { signal, onProgress }: LoadOptions = {},
): Promise<void> {
  const names = manifest.files.map(({ sha256 }) => `fetch:${sha256}`)
  const totalBytes = manifestBytes(manifest)
  let isOver = false
  let timer: { stop(): void } | undefined
  const look = async (): Promise<void> => {
    const loadedBytes = await heldBytes(store, manifest).catch(() => undefined)
    if (isOver) return
    if (loadedBytes !== undefined) onProgress?.({ phase: 'downloading', loadedBytes, totalBytes })
    timer = clock.schedule(millis(LOOK_MS), () => void look())
  }
  timer = clock.schedule(millis(LOOK_MS), () => void look())
  const stopLooking = (): void => {
    isOver = true
    timer?.stop()
  }
  try {
    const release = await holdAll(locks, names, 'exclusive', { signal })
    stopLooking()
    try {
      await fetch()
    } finally {
      release()
    }
  } finally {
    stopLooking()
  }
}

/** The bytes of a model that are here. */
export async function heldBytes(store: PieceStore, { files }: Pick<Manifest, 'files'>): Promise<number> {
  let bytes = 0
  for (const file of files) {
    const map = await store.held(file)
    for (let piece = 0; piece < map.pieces; piece++) if (map.has(piece)) bytes += lengthOfPiece(file, piece)
  }
  return bytes
}
