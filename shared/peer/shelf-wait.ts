import { millis, type Millis } from '../base/units.ts'
import { answerMs } from '../schedule/policy/score.ts'

/** What is known of a model on the shelf. */
interface ShelfModelState {
  readonly loadedAt: Millis
  readonly holders: number
  /** How long its load took before. */
  readonly usualLoadMs: number
  readonly decodeTokensPerSecond: number
}

export interface WaitState<Slot> {
  readonly now: Millis
  readonly minStayMs: number
  readonly loading: { readonly slot: Slot; readonly since: Millis } | undefined
  /** What is loaded before it, in order, and itself. */
  readonly ahead: readonly Slot[]
  /** What has to leave the GPU for it, of what is loaded or being loaded. */
  readonly victims: (next: Slot) => readonly Slot[]
}

/**
 * How long a job that is opened now waits until its model is loaded: the rest of the load that runs, the loads before its
 * own with the time that each model stays, the jobs that end first, and its own load. As long as loads usually took here.
 */
export function loadMsOf<Slot extends ShelfModelState>(
  slot: Slot,
  { now, minStayMs, loading, ahead, victims }: WaitState<Slot>,
): Millis {
  const rest = loading ? Math.max(0, loading.slot.usualLoadMs - (now - loading.since)) : 0
  if (loading?.slot === slot) return millis(Math.max(1, rest))
  const [first] = ahead
  const leaving = (first ? victims(first) : []).map((victim) =>
    victim === loading?.slot ? rest + minStayMs : untilLeft(victim, now, minStayMs),
  )
  const untilRoom = Math.max(rest, ...leaving)
  const loads = ahead.reduce((sum, each) => sum + each.usualLoadMs, 0)
  return millis(Math.max(1, untilRoom + loads + (ahead.length - 1) * minStayMs))
}

/** Until its time is over and a running answer, of ordinary length, is written. */
function untilLeft(
  { loadedAt, holders, decodeTokensPerSecond }: ShelfModelState,
  now: Millis,
  minStayMs: number,
): number {
  const stays = Math.max(0, loadedAt + minStayMs - now)
  return Math.max(stays, holders > 0 ? answerMs(decodeTokensPerSecond) : 0)
}
