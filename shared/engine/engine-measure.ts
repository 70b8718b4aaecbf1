import type { Clock } from '../base/clock.ts'
import { MINUTE_MS, type EpochMillis } from '../base/units.ts'
import type { Backend } from './engine.ts'
import { ORT_VERSION } from './ort-runtime.ts'

/**
 * What a start found out that the next one need not: how many answers at once are worth while, that golden prompts come
 * out right in such a batch, each operator where subgroups are on, and the speeds.
 */
export interface EngineMeasure {
  /** Answers at once; more than one only after the golden prompts came out right together. */
  readonly rows: number
  /** Tokens a second of all rows together over those of one alone. */
  readonly gain: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
}

/** With when it was found out. */
export interface KeptMeasure extends EngineMeasure {
  readonly at: EpochMillis
}

/** Where measures are kept; one that forgets costs a second or some, so nothing here may throw. */
export interface MeasureStore {
  read(key: string): Promise<KeptMeasure | undefined>
  write(key: string, measure: KeptMeasure): Promise<void>
}

/** To be counted up with each change of what the decoders run: what was proved of the old says nothing of the new. */
const ENGINE_PROOFS = 1

const DAY_MS = 24 * 60 * MINUTE_MS
/** Drivers are updated without a change of what the browser says of them. */
const TRUSTED_MS = 30 * DAY_MS

export function isMeasureTrusted({ at }: Pick<KeptMeasure, 'at'>, clock: Clock): boolean {
  const age = clock.now() - at
  return age >= 0 && age < TRUSTED_MS
}

/** All that a measure hangs on: when any of it changes, everything is measured and proved anew. */
export function measureKey(parts: {
  readonly backend: Backend
  readonly subgroups: boolean
  /** What the browser tells of its GPU; undefined on wasm. */
  readonly adapter: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'> | undefined
  /** Processors, and whether threads may share memory: they decide how many threads there are. */
  readonly processors: number
  readonly isIsolated: boolean
  readonly browser: string
  readonly model: string
}): string {
  const { backend, subgroups, adapter, processors, isIsolated, browser, model } = parts
  const device = adapter && [adapter.vendor, adapter.architecture, adapter.device, adapter.description]
  return JSON.stringify([
    ENGINE_PROOFS,
    ORT_VERSION,
    backend,
    ...(device ? [subgroups, ...device] : [processors, isIsolated]),
    browser,
    model,
  ])
}
