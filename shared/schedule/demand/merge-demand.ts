import type { ModelHash } from '../../base/ids.ts'
import type { RecordedDemand } from './demand-record.ts'

/** What is known of how much a model is wanted. */
export interface WantedShare {
  readonly model: ModelHash
  /** Its share of all that is wanted, 0 to 1: what is wanted now and over a day count alike. */
  readonly share: number
  /** Providers that have it loaded. */
  readonly loaded: number
}

/**
 * What several relays say, as one.
 *
 * Of each relay only the shares count, and each relay counts alike: one that lies moves at most its part of the whole,
 * however large the figures are that it makes up. Of the loaded providers the lower median is taken, so that one who
 * makes up many of them hides no model.
 */
export function mergeDemand(records: readonly (readonly RecordedDemand[])[]): readonly WantedShare[] {
  const told = records.map(sharesOf).filter((shares) => shares.size > 0)
  const models = new Set(told.flatMap((shares) => [...shares.keys()]))
  return [...models]
    .map((model) => {
      const said = told.map((shares) => shares.get(model))
      const share = said.reduce((sum, each) => sum + (each?.share ?? 0), 0) / told.length
      const loaded = said.flatMap((each) => (each ? [each.loaded] : [])).sort((a, b) => a - b)
      return { model, share, loaded: loaded[Math.floor((loaded.length - 1) / 2)] ?? 0 }
    })
    .sort((a, b) => b.share - a.share)
}

/** Both spans part alike: a model that is new counts half at once, and one that is wanted at other hours half always. */
function sharesOf(
  record: readonly RecordedDemand[],
): ReadonlyMap<ModelHash, { share: number; loaded: number }> {
  const [quarter, day] = (['quarter', 'day'] as const).map((span) =>
    record.reduce((sum, each) => sum + each[span], 0),
  )
  const shares = record.map(({ model, loaded, ...each }) => {
    const spans = [...(quarter ? [each.quarter / quarter] : []), ...(day ? [each.day / day] : [])]
    return [model, { share: spans.reduce((a, b) => a + b, 0) / Math.max(1, spans.length), loaded }] as const
  })
  return new Map(shares.filter(([, { share }]) => share > 0))
}
