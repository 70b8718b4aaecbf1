import { MINUTE_MS } from '../../base/units.ts'

/**
 * Which models go when the room ends: those of least worth, by GreedyDual-Size with Frequency (Cherkasova 1998),
 *
 *     H = L + f * c / s
 *
 * f: how often it was used, half of it forgotten in three days; c: what getting it again would cost, its seconds of
 * download times what it may earn; s: its bytes; L: the worth of what was evicted last when it was used last. So what
 * was once wanted much and is no longer falls behind what is used now, and of two that are used alike the one goes that
 * gives the most room for the least loss.
 */

/** How long it takes until a use counts half. @internal */
export const HALF_LIFE_MS = 3 * 24 * 60 * MINUTE_MS

/** Of what the browser lets this page have, so much is for models at most: keys and receipts live there as well. */
export const MODELS_SHARE = 0.6

/** How a model was used until now. */
export interface ModelUse {
  /** As of `at`. */
  readonly hits: number
  /** When it was used last, in ms. A clock that jumps makes it be in the future; it counts as now then. */
  readonly at: number
  /** L at that time. */
  readonly floor: number
}

export interface KeptModel {
  readonly name: string
  /** What its files take here. */
  readonly bytes: number
  readonly use: ModelUse
  /** What getting it again would take, in seconds. */
  readonly refetchSeconds: number
  /** What it may earn in an hour, in any one unit; 0 for one that is used here alone. */
  readonly revenue: number
  /** The visitor wants it to stay, or something runs on it. */
  readonly mustStay: boolean
}

export interface Eviction {
  /** Those that go, the least worth first. */
  readonly victims: readonly KeptModel[]
  /** L from now on. */
  readonly floor: number
  /** What is missing still when all of them are gone; 0 where the room is enough. */
  readonly missingBytes: number
}

/** One use more. */
export function used(before: ModelUse | undefined, now: number, floor: number): ModelUse {
  return { hits: (before ? hitsNow(before, now) : 0) + 1, at: now, floor }
}

/** H of a model. @internal */
export function worthOf({ use, refetchSeconds, revenue, bytes }: KeptModel, now: number): number {
  // What earns nothing still costs its download.
  const cost = refetchSeconds * (1 + revenue)
  return use.floor + (hitsNow(use, now) * cost) / Math.max(1, bytes)
}

/** What has to go so that `wantedBytes` become free, `freeBytes` being so now. Nothing goes that would not help. */
export function evict(
  models: readonly KeptModel[],
  {
    wantedBytes,
    freeBytes,
    floor,
    now,
  }: { wantedBytes: number; freeBytes: number; floor: number; now: number },
): Eviction {
  const line = models
    .filter(({ mustStay, bytes }) => !mustStay && bytes > 0)
    .map((model) => ({ model, worth: worthOf(model, now) }))
    .toSorted((a, b) => a.worth - b.worth)
  const victims: KeptModel[] = []
  let missing = wantedBytes - freeBytes
  let newFloor = floor
  for (const { model, worth } of line) {
    if (missing <= 0) break
    victims.push(model)
    missing -= model.bytes
    newFloor = Math.max(newFloor, worth)
  }
  if (missing > 0) return { victims: [], floor, missingBytes: missing }
  return { victims, floor: newFloor, missingBytes: 0 }
}

function hitsNow({ hits, at }: ModelUse, now: number): number {
  return hits * 0.5 ** (Math.max(0, now - at) / HALF_LIFE_MS)
}
