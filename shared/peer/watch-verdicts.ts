import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import type { PeerName } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { findVerdicts } from '../verify/board/find-records.ts'
import { recordRegistersOf, type RecordRegisters } from './record-registers.ts'
import type { KeptRelays } from './relay-streams.ts'
import { testAgain, type TestAgainParts } from './test-again.ts'
import { VerdictWatch, type TestableModel } from './verdict-watch.ts'
import type { Accusation } from './accusation.ts'

export interface WatchVerdictsComponents {
  readonly clock: Clock
  readonly random: Random
  readonly name: PeerName
  readonly node: Libp2p
  readonly relays: KeptRelays
  /** Where verdicts are kept. @default at those relays */
  readonly records?: RecordRegisters | undefined
  readonly provided: () => readonly WatchedProvision[]
}

/** A provision that can be tested again. */
export interface WatchedProvision extends Omit<TestAgainParts, 'clock' | 'provision'> {
  readonly provision: TestAgainParts['provision'] & Pick<TestableModel, 'model'>
  readonly tell: (accusation: Accusation) => void
  /** It passed: what it is like is told anew. */
  readonly onPassed: () => void
}

/** Looks at the relays for what is said of a provider, for as long as it provides. A module of its own, loaded then. */
export function watchVerdicts(
  components: WatchVerdictsComponents,
  init: { readonly lookMs?: number | undefined } = {},
): VerdictWatch {
  const { clock, random, name, node, relays, provided } = components
  const registers = components.records ?? recordRegistersOf(node, clock, relays)
  return new VerdictWatch(
    {
      ...{ clock, random },
      // All relays may be waited for: nobody waits for this, and an accusation that one of them keeps must not be missed.
      find: ({ signal }) =>
        findVerdicts(
          registers.registers.map(({ port }) => port),
          name,
          { now: () => clock.now(), signal },
        ),
      hasRelays: () => registers.registers.length > 0,
      onRelays: (callback) => registers.onChange(callback),
      models: () => provided().map((each) => testable(clock, each)),
    },
    init,
  )
}

function testable(clock: Clock, watched: WatchedProvision): TestableModel {
  const { provision, tell, testedAt, onPassed } = watched
  return {
    model: provision.model,
    get testedAt() {
      return testedAt()
    },
    tell,
    async test(options) {
      await testAgain({ clock, ...watched }, options)
      onPassed()
    },
  }
}
