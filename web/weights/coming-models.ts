import type { Clock } from '#shared/base/clock.ts'
import { MINUTE_MS } from '#shared/base/units.ts'
import type { KeptModels, KeptRecord } from './kept-models.ts'

/** Whoever paused a download comes back to it; a week later its room may be taken for another. */
const COMING_MS = 7 * 24 * 60 * MINUTE_MS

/** Whether its download was begun or gone on with lately. A clock that jumps, either way, ends that. */
export function isComing({ comingSince }: Pick<KeptRecord, 'comingSince'>, now: number): boolean {
  return comingSince !== undefined && Math.abs(now - comingSince) < COMING_MS
}

/** The visitor wants it: what comes of it stays for a while, until its use or {@link notComing} says otherwise. */
export async function noteComing(
  { kept, clock }: { readonly kept: KeptModels; readonly clock: Pick<Clock, 'now'> },
  { model, name, files }: Pick<KeptRecord, 'model' | 'name' | 'files'>,
): Promise<void> {
  const now = clock.now()
  const before = (await kept.list()).find((record) => record.model === model)
  const unused = {
    hits: 0,
    at: now,
    floor: await kept.floor(),
    refetchSeconds: 0,
    revenue: 0,
    isPinned: false,
  }
  await kept.put({ model, name, ...unused, ...before, files, comingSince: now })
}

/** The visitor does not want it any more. */
export async function notComing(kept: KeptModels, model: string): Promise<void> {
  const before = (await kept.list()).find((record) => record.model === model)
  if (before) await kept.put({ ...before, comingSince: undefined })
}
