import type { ByteSource } from '#shared/models/byte-source.ts'
import type { Manifest } from '#shared/models/manifest.ts'
import { MemoryStore } from '#shared/models/store/memory-store.ts'
import type { PieceStore } from '#shared/models/store/piece-store.ts'
import type { Seeding } from '#shared/peer/seeding.ts'
import { createHttpSource } from '../../../web/engine/http-source.ts'
import { underPage } from '../../../web/state/shell/address.ts'
import { lazyServices } from '../../../web/state/shell/lazy-services.ts'
import { openWeights } from '../../../web/weights/open-weights.ts'
import { until } from './until.ts'

/** Where pieces are kept: by the worker with the origin's private files, as the shipped page does, or by the page. */
export type KeptIn = 'opfs' | 'memory'

export interface WeightsRequest {
  readonly manifest: Manifest
  /** Where its files lie, under the page. */
  readonly folder: string
  readonly keptIn: KeptIn
}

/** A tab's part in passing on models, driven from outside. */
export interface WeightsTab {
  /** Brings a model from its origin and seeds it from now on. Resolves when a relay names this tab. */
  seed(request: WeightsRequest): Promise<void>
  /** Brings a model that is not here: from the first byte that comes to the last piece that is checked and kept, in ms. */
  take(request: WeightsRequest, from: 'peers' | 'origin'): Promise<number>
}

/** A bench takes the same model again and again, which no visitor does. */
const BUDGET_BYTES = 2 ** 40

/** Stands on the services of the shipped page: its mesh, its clock, its store in a worker. */
export function createWeightsTab(): WeightsTab {
  const services = lazyServices(window)
  let joined: Promise<Seeding> | undefined
  const join = async (): Promise<Seeding> => {
    const { signal } = new AbortController() // a bench is never cancelled from inside
    const mesh = await services.openMesh({ purpose: 'share' }, { signal })
    await until(mesh, () => mesh.relays.some(({ state }) => state === 'up'))
    await mesh.startProviding()
    const seeding = await mesh.seeding({ budgetBytes: BUDGET_BYTES })
    if (!seeding) throw new Error('this mesh passes nothing on')
    return seeding
  }

  return {
    async seed({ manifest, folder, keptIn }) {
      const seeding = await (joined ??= join())
      const store = await openStore(keptIn, manifest)
      const origins = [{ name: 'the relay', source: createHttpSource(underPage(folder)) }]
      await seeding.fetch(manifest, { store, origins, originsOnly: true })
      await seeding.share(manifest, store)
    },

    async take({ manifest, folder, keptIn }, from) {
      const seeding = await (joined ??= join())
      const store = await openStore(keptIn, manifest)
      let firstAt: number | undefined
      const onFirst = (): void => void (firstAt ??= performance.now())
      const stop = hearBytes(seeding, onFirst)
      const source = hearing(createHttpSource(underPage(folder)), onFirst)
      const origins = [{ name: 'the relay', source }]
      await seeding.fetch(manifest, from === 'peers' ? { store } : { store, origins, originsOnly: true })
      const endedAt = performance.now()
      stop()
      // What is here is no download: the next one begins with nothing, and nobody is asked for what this tab deletes.
      for (const { model } of seeding.service.shared) seeding.unshare(model)
      if (firstAt === undefined) throw new Error('nothing came')
      return endedAt - firstAt
    },
  }
}

async function openStore(keptIn: KeptIn, { files }: Manifest): Promise<PieceStore> {
  if (keptIn === 'memory')
    return new MemoryStore({ digest: (bytes) => crypto.subtle.digest('SHA-256', bytes) })
  const store = await openWeights()
  if (!store) throw new Error('this browser keeps nothing')
  for (const file of files) await store.remove(file)
  return store
}

/** Calls back when bytes of a piece come from a peer. */
function hearBytes({ ledger }: Seeding, onBytes: () => void): () => void {
  const got = ledger.got.bind(ledger)
  ledger.got = (...account) => {
    onBytes()
    got(...account)
  }
  return () => void (ledger.got = got)
}

/** Calls back when bytes come from an origin. */
function hearing(source: ByteSource, onBytes: () => void): ByteSource {
  return {
    async open(path, options) {
      const { offset, body } = await source.open(path, options)
      return { offset, body: heard(body, onBytes) }
    },
  }
}

async function* heard(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    onBytes()
    yield chunk
  }
}
