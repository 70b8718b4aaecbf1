import type { Stream } from '@libp2p/interface'
import type { ModelHash, PeerName } from '../../base/ids.ts'

/** Somebody who says that it seeds a model. */
export interface Seeder {
  readonly name: PeerName
  /** Opens a stream of the pieces protocol over a direct connection. @throws when there is no way */
  open(options: { readonly signal: AbortSignal }): Promise<Stream>
}

/** Where seeders are found. */
export interface Swarm {
  /** Who seeds it now. @throws when nobody can be asked */
  find(model: ModelHash, options: { readonly signal: AbortSignal }): Promise<readonly Seeder[]>
}
