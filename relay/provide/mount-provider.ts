import { randomBytes } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import { createPeer } from '#shared/peer/create-peer.ts'
import type { Payee } from '#shared/peer/peer.ts'
import type { RecordRegisters } from '#shared/peer/record-registers.ts'
import { provideModel } from '#shared/peer/provide-model.ts'
import { listPriceOf } from '#shared/settle/compute-units.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import { nodeClock } from '../base/node-clock.ts'
import type { LocalDirectory } from '../directory/local-directory.ts'
import type { Logger } from '../observe/log.ts'
import { logAccusations } from './log-accusations.ts'
import { openSeedShelf, type SeedShelfInit } from './seed-shelf.ts'

export interface MountProviderInit extends Omit<SeedShelfInit, 'catalogue'> {
  readonly privateKey: PrivateKey
  readonly log: Logger
  readonly directory: LocalDirectory
  /** Where its golden records are kept, and what is said of it. @default it tells of none, and hears nothing */
  readonly records?: RecordRegisters | undefined
  /** How it is paid. @default it is not, and asks for nothing: a price that nobody can pay would be no price */
  readonly payee?: Payee | undefined
}

/** Makes the relay provide as well, so that a network of one is not empty: the same peer as a tab's, over ORT in Node. */
export async function mountProvider(
  relay: RelayHost,
  { privateKey, log, directory, records, payee, ...init }: MountProviderInit,
): Promise<{ stop(): Promise<void> }> {
  const { shelf, manifests } = await openSeedShelf({ ...init, catalogue: relay.catalogue })
  const relays = { directories: [directory], views: [], onChange: () => () => undefined }
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const peer = createPeer(
    { node: relay.node, key: privateKey, clock: nodeClock, random, relays, records },
    { kind: 'node', addresses: () => relay.addresses },
  )
  const provided = [...manifests].map(([model, manifest]) =>
    provideModel(peer, shelf.engineOf(model), {
      price: listPriceOf(manifest),
      payee,
      place: shelf.placeOf(model),
    }),
  )
  const stopLogging = provided.map((each) => logAccusations(each, log))
  return {
    stop: async () => {
      stopLogging.forEach((stop) => stop())
      await Promise.all(provided.map((each) => each.stop()))
      await peer.stop()
      await shelf.stop()
    },
  }
}
