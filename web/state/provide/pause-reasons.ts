import type { EngineReason } from '#shared/peer/provide-model.ts'
import type { Conditions } from '../session/services.ts'
import type { Settings } from '../session/settings.svelte.ts'

/** What pauses a tab; the rest comes from the engine. */
export type TabReason = 'you' | 'hidden' | 'battery' | 'metered'
export type PauseReason = TabReason | EngineReason

/** What the tab's conditions say under the visitor's limits. */
export function reasonsOf(
  limits: Pick<Settings, 'pauseHidden' | 'pauseOnBattery' | 'pauseMetered'>,
  conditions: Conditions,
): readonly (readonly [reason: TabReason, on: boolean])[] {
  return [
    ['hidden', limits.pauseHidden.value && conditions.hidden],
    ['battery', limits.pauseOnBattery.value && conditions.onBattery === true],
    ['metered', limits.pauseMetered.value && conditions.metered === true],
  ]
}
