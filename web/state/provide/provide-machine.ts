import type { LoadProgress } from '#shared/models/load-progress.ts'

/** Where providing stands. */
export type ProvideStage =
  'idle' | LoadProgress['phase'] | 'live' | 'paused' | 'draining' | 'ended' | 'failed'

const PREPARING = ['checking', 'downloading', 'starting', 'testing'] as const
const LENDING = ['live', 'paused', 'draining'] as const

/** Which stage may follow which. Preparing stages may repeat: a GPU that fails its test hands over to the processor. */
const NEXT: Readonly<Record<ProvideStage, readonly ProvideStage[]>> = {
  idle: ['checking'],
  checking: [...PREPARING, 'live', 'idle', 'failed'],
  downloading: [...PREPARING, 'live', 'idle', 'failed'],
  starting: [...PREPARING, 'live', 'idle', 'failed'],
  testing: [...PREPARING, 'live', 'idle', 'failed'],
  live: ['live', 'paused', 'draining', 'ended', 'failed', 'checking'],
  paused: ['paused', 'live', 'draining', 'ended', 'failed', 'checking'],
  draining: ['draining', 'ended', 'failed', 'checking'],
  ended: ['checking', 'idle'],
  failed: ['checking', 'idle'],
}

export function mayFollow(from: ProvideStage, to: ProvideStage): boolean {
  return NEXT[from].includes(to)
}

/** Between the press of the switch and the first offer. */
export function isPreparing(stage: ProvideStage): boolean {
  return (PREPARING as readonly ProvideStage[]).includes(stage)
}

/** From the first offer to the end. */
export function isProviding(stage: ProvideStage): boolean {
  return (LENDING as readonly ProvideStage[]).includes(stage)
}
