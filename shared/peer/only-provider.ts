import type { ModelHash, PeerName } from '../base/ids.ts'
import { MAX_QUERY_OFFERS } from '../schedule/constants.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import type { RelaySource } from './create-peer.ts'

/**
 * Relays whose directories name one provider's newest offer and no other, so that a peer over them asks it or nobody: an
 * asker chooses among those that it finds.
 */
export function onlyProvider(
  relays: RelaySource,
  { provider, model }: { readonly provider: PeerName; readonly model: ModelHash },
  {
    directories = () => relays.directories,
    limit = MAX_QUERY_OFFERS,
  }: {
    /** Asked in place of the relays' own. */
    readonly directories?: () => readonly DirectoryPort[]
    /** Offers that are looked through; a relay names so many of a crowd by chance. @default what a relay names at most */
    readonly limit?: number
  } = {},
): RelaySource {
  const only = (directory: DirectoryPort): DirectoryPort => ({
    relay: directory.relay,
    announce: (offer) => directory.announce(offer),
    withdraw: (tombstone) => directory.withdraw(tombstone),
    query: async (_model, _limit, options) => {
      const { offers } = await directory.query(model, limit, options)
      const own = offers.filter((each) => each.provider === provider)
      return { offers: own, total: own.length }
    },
    watch: (peer, callback) =>
      (relays.directories.find(({ relay }) => relay === directory.relay) ?? directory).watch(peer, callback),
  })
  const known = new Map<DirectoryPort, DirectoryPort>()
  return {
    get directories() {
      return directories().map((directory) => {
        const wrapped = known.get(directory) ?? only(directory)
        known.set(directory, wrapped)
        return wrapped
      })
    },
    get views() {
      return relays.views
    },
    onChange: (callback) => relays.onChange(callback),
    ...(relays.check && { check: () => relays.check?.() }),
  }
}
