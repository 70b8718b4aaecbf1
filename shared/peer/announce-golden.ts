import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { epochMillis } from '../base/units.ts'
import type { Engine } from '../engine/engine.ts'
import type { Golden } from '../engine/golden.ts'
import { GOLDEN_LIFE_MS } from '../verify/board/constants.ts'
import { goldenSketches, signGolden } from '../verify/golden/golden-sketches.ts'
import { ownClass } from '../verify/service/own-class.ts'
import { GoldenAnnouncer, type GoldenAnnouncerComponents, type MadeGolden } from './golden-announcer.ts'
import { recordRegistersOf, type RecordRegisters } from './record-registers.ts'
import type { KeptRelays } from './relay-streams.ts'

export interface AnnounceGoldenComponents {
  readonly clock: Clock
  readonly random: Random
  readonly key: PrivateKey
  readonly node: Libp2p
  readonly relays: KeptRelays
  /** Where it is kept. @default at those relays */
  readonly records?: RecordRegisters | undefined
  readonly engine: Engine
  /** The prompts that the engine was tested by. */
  readonly golden: () => Golden | undefined
  /** Whether the engine is loaded and nobody's job runs. */
  readonly isFree: () => boolean
}

/** Tells relays what an engine makes of its golden prompts, as long as it is provided. A module of its own, loaded then. */
export function announceGolden(components: AnnounceGoldenComponents): GoldenAnnouncer {
  const { node, clock, random, relays, isFree } = components
  const registers = components.records ?? recordRegistersOf(node, clock, relays)
  const make: GoldenAnnouncerComponents['make'] = (options) => makeGolden(components, options)
  return new GoldenAnnouncer({ clock, random, registers, isFree, make })
}

async function makeGolden(
  { clock, key, engine, golden }: AnnounceGoldenComponents,
  options: { readonly signal: AbortSignal },
): Promise<MadeGolden | undefined> {
  const sketches = await goldenSketches(engine, golden(), options)
  if (!sketches) return undefined
  const at = clock.now()
  const expiresAt = epochMillis(at + GOLDEN_LIFE_MS)
  const record = { model: engine.info.model, class: ownClass(engine.info), sketches, at, expiresAt }
  return { golden: await signGolden(record, key), at }
}
