import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import type { Random } from '#shared/base/random.ts'
import { raceSignal } from '#shared/base/wait.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import type { FetchOptions } from '#shared/models/pieces/fetch-terms.ts'
import type { FetchOrigin } from '#shared/models/pieces/origin-reader.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import type { Seeding, SeedingInit } from '#shared/peer/seeding.ts'

/** What this needs of a mesh that was opened to share. */
export interface ShareMesh {
  /** The relays that it keeps: they say who seeds. */
  readonly relays: readonly { readonly state: string }[]
  onChange(callback: () => void): () => void
  seeding(init: SeedingInit): Promise<Seeding | undefined>
  startProviding(options: { readonly signal: AbortSignal }): Promise<void>
  stop(): Promise<void>
}

/** What the visitor allows, as it is now. */
export interface ShareRules {
  /** Whether peers may learn which models this tab fetches or has, and its address. */
  mayAsk(): boolean
  /** Whether a model may go from here to others. */
  mayPassOn(manifest: Manifest): boolean
}

export interface TabSwarmComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rules: ShareRules
  /** Opens a mesh under a new name. @throws where no relay can be heard of */
  readonly open: (options: { readonly signal: AbortSignal }) => Promise<ShareMesh>
  /** Something of a model that was passed on is gone or changed. */
  readonly onLost?: ((model: ModelHash) => void) | undefined
}

export interface SwarmFetch extends Pick<FetchOptions, 'paths' | 'signal' | 'onProgress'> {
  readonly store: PieceStore
  readonly origins: readonly FetchOrigin[]
  /** Asks no peer, whatever the rules allow. @default false */
  readonly originsOnly?: boolean | undefined
}

/** A mesh is open before any relay has answered, and without one nobody can be found. */
export async function untilRelay(mesh: ShareMesh, signal: AbortSignal): Promise<void> {
  const isUp = (): boolean => mesh.relays.some(({ state }) => state === 'up')
  if (isUp()) return
  let stop: (() => void) | undefined
  const up = new Promise<void>((resolve) => {
    stop = mesh.onChange(() => {
      if (isUp()) resolve()
    })
  })
  try {
    await raceSignal(up, signal)
  } finally {
    stop?.()
  }
}
