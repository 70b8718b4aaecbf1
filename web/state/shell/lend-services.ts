import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { epochMillis } from '#shared/base/units.ts'
import { isMeasureTrusted, measureKey } from '#shared/engine/engine-measure.ts'
import type { KnownModel } from '#shared/client/model-library.ts'
import { needsAcceptance } from '#shared/models/free-licences.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import { useFiles } from '#shared/models/store/use-files.ts'
import type { Measured } from '#shared/peer/shelved-engine.ts'
import { inspectGpu } from '../../engine/inspect-gpu.ts'
import { openShownModels } from '../../storage/shown-models.ts'
import { createWebLocks } from '../../weights/web-locks.ts'
import { Licences } from '../models/licences.ts'
import type { ProvideServices } from '../provide/services.ts'
import type { SettingsStore, WantedBackend } from '../session/services.ts'

export type LendServices = Pick<ProvideServices, 'termsAreAccepted' | 'shownHere' | 'holdModel'>

export interface LendServicesComponents {
  readonly clock: Clock
  readonly settings: SettingsStore
  readonly find: (model: ModelHash) => KnownModel | undefined
  /** As `TabSwarm.passOn`. */
  readonly passOn: (model: ModelHash) => Promise<() => void>
}

/** What is to be known of a model, and done, so that it can be lent from the disk. */
export function createLendServices({ clock, settings, find, passOn }: LendServicesComponents): LendServices {
  const locks = createWebLocks()
  return {
    async termsAreAccepted(model) {
      const known = find(model)
      if (!known) return false
      return !needsAcceptance(known.entry.licence) || new Licences(settings).has({ kind: 'model', model })
    },
    async shownHere(model, backend) {
      const known = find(model)
      return known && shownHere(clock, known.manifest, backend)
    },
    async holdModel(model) {
      const known = find(model)
      const release = known && (await useFiles(locks, known.manifest.files).catch(() => undefined))
      const stopPassing = await passOn(model)
      return () => {
        stopPassing()
        release?.()
      }
    },
  }
}

const shown = openShownModels()

/** Keeps what a start showed of a model, so that it can be offered before it is loaded again. Never throws. */
export async function noteShown(
  clock: Clock,
  { manifest, backend }: { readonly manifest: Manifest; readonly backend: WantedBackend },
  { info, selfTest, testedAt, loadMs }: Measured,
): Promise<void> {
  const at = epochMillis(clock.now())
  await shown.write(await keyOf(manifest, backend), { info, selfTest, testedAt, loadMs, at })
}

/** What the model showed here of late, on this device with this browser and engine; undefined where it was not loaded. */
async function shownHere(
  clock: Clock,
  manifest: Manifest,
  backend: WantedBackend,
): Promise<Measured | undefined> {
  const kept = await shown.read(await keyOf(manifest, backend))
  return kept && isMeasureTrusted(kept, clock) ? kept : undefined
}

/** By what it is tried on first: what it ran on in the end stands in what is kept. */
async function keyOf(manifest: Manifest, wanted: WantedBackend): Promise<string> {
  const { info, problem } = await inspectGpu(manifest)
  const tried = problem ? 'wasm' : 'webgpu'
  const backend = wanted === 'auto' ? tried : wanted
  return measureKey({
    backend,
    subgroups: false, // whether they are used is found out at each start
    adapter: backend === 'webgpu' ? info : undefined,
    processors: navigator.hardwareConcurrency,
    isIsolated: crossOriginIsolated,
    browser: navigator.userAgent,
    model: hashManifest(manifest),
  })
}
