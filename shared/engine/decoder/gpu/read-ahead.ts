import type { DrawHint } from '../decoder.ts'
import type { SlotHolder } from './cache-slots.ts'
import type { KvBuffers } from './kv-buffers.ts'
import type { Preselection } from './preselect.ts'

/** What one row of a step reads and draws. */
export interface StepRow {
  readonly holder: SlotHolder
  readonly token: number
  readonly position: number
  readonly hint: DrawHint | undefined
}

/** A step by rows; undefined where a row takes no part. */
export interface StepPlan {
  readonly cache: KvBuffers
  readonly rows: readonly (StepRow | undefined)[]
}

/** A step that was submitted before anybody asked for it, with the tokens that the GPU drew provisionally. */
export interface StepAhead {
  readonly plan: StepPlan
  readonly preselection: Preselection
  /** By row, known once the step before it has been read. */
  winners: readonly (number | undefined)[]
}

/** The step that most likely comes after `plan`; undefined when it can't be drawn on the GPU or has no room. */
export function planAfter({ cache, rows }: StepPlan): StepPlan | undefined {
  const next = rows.map((row) =>
    row?.hint
      ? { ...row, position: row.position + 1, hint: { ...row.hint, position: row.hint.position + 1 } }
      : row,
  )
  const fits = rows.every((row) => !row || (row.hint && row.position + 1 < cache.capacity))
  return fits ? { cache, rows: next } : undefined
}

/** True when `ahead` is what `plan` asks for, token by token. */
export function isAsked({ plan: { cache, rows }, winners }: StepAhead, asked: StepPlan): boolean {
  return (
    cache === asked.cache &&
    rows.length === asked.rows.length &&
    rows.every((row, i) => {
      const wanted = asked.rows[i]
      if (!row || !wanted) return row === wanted
      return (
        row.holder === wanted.holder &&
        row.position === wanted.position &&
        winners[i] === wanted.token &&
        isSameHint(row.hint, wanted.hint)
      )
    })
  )
}

function isSameHint(a: DrawHint | undefined, b: DrawHint | undefined): boolean {
  if (!a || !b) return false
  return (
    a.temperature === b.temperature &&
    a.position === b.position &&
    a.sketch === b.sketch &&
    a.seedWords.every((word, i) => word === b.seedWords[i])
  )
}
