import type { ManifestFile } from '#shared/models/manifest.ts'
import type { SeedStore } from '#shared/models/pieces/shared-model.ts'
import type { PieceMap } from '#shared/models/store/piece-map.ts'

/**
 * A store to seed from that tells when something is gone which was here at the last look: deleted, or changed on the
 * disk. A peer that asks for what never was here changes nothing.
 */
export function watchedStore(store: SeedStore, onLost: () => void): SeedStore {
  const seen = new Map<string, PieceMap>()
  return {
    async held(file: ManifestFile) {
      const map = await store.held(file)
      const before = seen.get(file.sha256)
      seen.set(file.sha256, map)
      if (before && hasLost(before, map)) onLost()
      return map
    },
    async read(file, piece) {
      const bytes = await store.read(file, piece)
      if (!bytes && seen.get(file.sha256)?.has(piece)) onLost()
      return bytes
    },
  }
}

function hasLost(before: PieceMap, now: PieceMap): boolean {
  for (let piece = 0; piece < before.pieces; piece++) if (before.has(piece) && !now.has(piece)) return true
  return false
}
