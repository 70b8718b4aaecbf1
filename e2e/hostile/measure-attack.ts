import { median } from '../fixtures/median.ts'
import { loadAttack, type AttackCost, type Bounds, type GroundSetting } from './attack.ts'
import { Attacker } from './attacker.ts'
import type { Asked } from './ask-over-http.ts'
import { Ground, type Readings } from './ground.ts'
import type { WatchReading } from './watch-loop.ts'

/** What the honest side lost beside an attacker, and what the attack took. */
export interface AttackResult {
  readonly attack: string
  /** Questions on each side, without the attacker and beside it. */
  readonly questions: number
  /** Share of them that succeeded beside the attacker. */
  readonly honestSuccess: number
  /** Median time to the first token beside the attacker, over the one without; undefined when none came. */
  readonly honestTtftRatio: number | undefined
  readonly attackerCost: AttackCost
  /** In ms, without the attacker and beside it. */
  readonly ttftMs: { readonly without: number; readonly beside: number | undefined }
  /** Why questions failed beside the attacker. */
  readonly failures: readonly string[]
  /** What each honest process did beside the attacker, and what it kept afterwards. */
  readonly loops: Readonly<Record<string, WatchReading & { readonly keptMb: number }>>
}

export interface MeasureInit {
  readonly setting?: GroundSetting
  /** On each side. @default QUESTIONS */
  readonly questions?: number
}

export const QUESTIONS = 20
/** So that the first side does not pay for a cold start. */
const WARM_UP = 3
/** What is sooner feels like at once, and says more of the machine than of the attack: it counts as this. */
const LEAST_MS = 100
/** For what an attack filled to be forgotten. */
const RETURN_MS = 60_000
const LOOK_MS = 1000

/** The usual bounds; see SECURITY.md. */
export const BOUNDS: Bounds = { honestSuccess: 1, honestTtftRatio: 2, stallMs: 200, keptMb: 32 }

/** Asks without the attacker and beside it. Throws when that could not be measured, whatever the questions came to. */
export async function measureAttack(
  name: string,
  { questions = QUESTIONS, ...init }: MeasureInit = {},
): Promise<AttackResult> {
  const setting = init.setting ?? (await loadAttack(name)).setting ?? {}
  const bounds = { ...BOUNDS, ...setting.bounds }
  await using ground = await Ground.start(setting)
  await ground.ask(WARM_UP)
  const without = await ground.ask(questions)
  const failed = failuresOf(without)
  if (failed.length > 0) throw new Error(`questions fail without an attacker: ${failed.join(', ')}`)
  const before = await ground.read()
  await using attacker = await Attacker.start(name, ground.addresses)
  const came = setting.areProvidersNew ? await ground.renewProviders() : {}
  const beside = await ground.ask(questions, attacker.told.joins)
  attacker.assertStands()
  const during = await ground.read()
  await attacker.stop()
  const kept = await keptAfter(ground, { ...before, ...came }, bounds.keptMb)
  const ttftMs = { without: medianFirst(without) ?? 0, beside: medianFirst(beside) }
  const { joins: _, ...attackerCost } = attacker.told
  const failures = failuresOf(beside)
  return {
    attack: name,
    questions,
    honestSuccess: (questions - failures.length) / questions,
    honestTtftRatio:
      ttftMs.beside === undefined
        ? undefined
        : Math.max(ttftMs.beside, LEAST_MS) / Math.max(ttftMs.without, LEAST_MS),
    attackerCost,
    ttftMs,
    failures,
    loops: Object.fromEntries(
      Object.entries(during).map(([role, reading]) => [role, { ...reading, keptMb: kept[role] ?? 0 }]),
    ),
  }
}

/** What the honest side lost beyond its bounds, in words; empty when the attack was withstood. */
export function lossesOf(result: AttackResult, bounds: Partial<Bounds> = {}): readonly string[] {
  const { honestSuccess, honestTtftRatio, stallMs, keptMb } = { ...BOUNDS, ...bounds }
  const losses: string[] = []
  if (result.honestSuccess < honestSuccess)
    losses.push(
      `${result.failures.length} of ${result.questions} questions failed: ${counted(result.failures)}`,
    )
  if (result.honestTtftRatio !== undefined && result.honestTtftRatio > honestTtftRatio)
    losses.push(
      `the first token took ${result.honestTtftRatio.toFixed(2)} times as long (${result.ttftMs.beside?.toFixed(0)} ms)`,
    )
  for (const [role, loop] of Object.entries(result.loops)) {
    if (loop.stallMs > stallMs)
      losses.push(`the ${role}'s loop stood still for ${loop.stallMs.toFixed(0)} ms`)
    if (loop.keptMb > keptMb) losses.push(`the ${role} kept ${loop.keptMb.toFixed(0)} MB`)
  }
  return losses
}

function failuresOf(asked: readonly Asked[]): readonly string[] {
  return asked.flatMap(({ failed }) => failed ?? [])
}

function medianFirst(asked: readonly Asked[]): number | undefined {
  const times = asked.flatMap(({ firstMs, failed }) => (failed === undefined ? (firstMs ?? []) : []))
  return times.length > 0 ? median(times) : undefined
}

/** What each process holds more than before, once that is within bounds or does not become less. */
async function keptAfter(
  ground: Ground,
  before: Readings,
  boundMb: number,
): Promise<Readonly<Record<string, number>>> {
  for (const end = performance.now() + RETURN_MS; ;) {
    const after = await ground.read()
    const kept = Object.entries(after).map(
      ([role, { heldMb }]) => [role, Math.max(0, heldMb - (before[role]?.heldMb ?? 0))] as const,
    )
    if (kept.every(([, mb]) => mb <= boundMb) || performance.now() > end) return Object.fromEntries(kept)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function counted(words: readonly string[]): string {
  const names = [...new Set(words)]
  return names.map((name) => `${words.filter((word) => word === name).length} ${name}`).join(', ')
}
