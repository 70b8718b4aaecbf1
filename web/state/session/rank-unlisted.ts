import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { Random } from '#shared/base/random.ts'
import { WRITING } from '#shared/models/task.ts'
import type { Session } from './session.svelte.ts'

/**
 * Models that others lend and no list names, with how much speaks for each. A provider has one vote, shared by all that
 * it offers of such: a name that offers many says less for each.
 */
export function votesFor(
  session: Pick<Session, 'live' | 'ownNames' | 'choice'>,
): ReadonlyMap<ModelHash, number> {
  const offered = new Map<PeerName, ModelHash[]>()
  for (const { offer } of session.live) {
    const { provider, model, task } = offer
    if (task !== WRITING || session.choice(model) || session.ownNames.includes(provider)) continue
    offered.set(provider, [...(offered.get(provider) ?? []), model])
  }
  const votes = new Map<ModelHash, number>()
  for (const models of offered.values())
    for (const model of models) votes.set(model, (votes.get(model) ?? 0) + 1 / models.length)
  return votes
}

/** Most votes first; by chance among equals, so that nobody can take the first places. */
export function ranked(votes: ReadonlyMap<ModelHash, number>, random: Random): readonly ModelHash[] {
  return [...votes]
    .map(([model, count]) => ({ model, count, draw: drawn(random) }))
    .toSorted((a, b) => b.count - a.count || a.draw - b.draw)
    .map(({ model }) => model)
}

function drawn(random: Random): number {
  return new DataView(random.bytes(4).buffer).getUint32(0)
}
