import type { Clock } from '#shared/base/clock.ts'
import { millis } from '#shared/base/units.ts'
import { RecentPeers } from '#shared/peer/recent-peers.ts'
import { SLOW_RELAY_MS } from '#shared/schedule/constants.ts'
import type { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import { MAX_FOUND_GOLDEN } from '#shared/verify/board/constants.ts'
import { countChecks, findGolden, findVerdicts, type FoundGolden } from '#shared/verify/board/find-records.ts'
import type { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import { classesOf } from '#shared/verify/golden/classes-of.ts'
import { goldenDistance, openGolden, type GoldenSketches } from '#shared/verify/golden/golden-sketches.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import type { Machine, MachineMap, TrustHome } from '../trust/services.ts'

/** More would make a table that nobody reads, and each relay is asked once for some of them. */
const MAX_MACHINES = 48

/** What the relays of a mesh tell of checks and machines: whatever they bring is verified here. */
export function trustHomeOf(
  mesh: Pick<Mesh, 'registers'>,
  {
    record,
    told,
    clock,
  }: {
    readonly record: Pick<ProviderRecord, 'explain'>
    readonly told: Pick<ToldEvidence, 'tell'>
    readonly clock: Clock
  },
): TrustHome {
  const now = clock.now.bind(clock)
  const haste = { clock, slow: new RecentPeers(clock, millis(SLOW_RELAY_MS)) }
  return {
    counts: ({ signal }) => countChecks(mesh.registers, { signal, haste }),
    async machines(model, { providers, signal }) {
      const ports = mesh.registers
      const found: FoundGolden<GoldenSketches>[] = []
      for (let at = 0; at < Math.min(providers.length, MAX_MACHINES); at += MAX_FOUND_GOLDEN) {
        const some = providers.slice(at, at + MAX_FOUND_GOLDEN)
        const asked = { now, open: openGolden, providers: some, signal, haste }
        found.push(...(await findGolden(ports, model, asked)))
      }
      return machineMap(found)
    },
    async verdictsAbout(provider, { signal }) {
      const found = await findVerdicts(mesh.registers, provider, { now, signal, haste })
      await told.tell(provider, found)
      signal.throwIfAborted()
      return found
    },
    explain: (provider) => record.explain(provider),
  }
}

/**
 * Classes by what the sketches show, and how far the first machine of each lies from the first of each other.
 *
 * @internal
 */
export function machineMap(found: readonly FoundGolden<GoldenSketches>[]): MachineMap {
  const classes = classesOf(found)
  const machineOf = (name: string): Machine[] =>
    found.flatMap(({ provider, golden, staked }) =>
      provider === name ? [{ provider, says: golden.class, at: golden.at, staked }] : [],
    )
  return {
    classes: classes.map(({ members }) => members.flatMap(machineOf)),
    distances: classes.map((one, i) =>
      classes.map((other, j) => {
        if (i === j && one.members.length < 2) return undefined
        return goldenDistance(one.golden, other.golden)?.mean
      }),
    ),
  }
}
