import type { Clock } from '#shared/base/clock.ts'
import { KnownStakes, type ReadOperator } from '#shared/chain/known-stakes.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import { openProviderRecord } from '../../storage/provider-record.ts'
import type { TrustHome } from '../trust/services.ts'
import { KnownProviders } from './known-providers.ts'

let known: Promise<KnownProviders> | undefined

/** What this browser knows of providers: one record for all that it asks. */
export function knownProviders({ clock }: { readonly clock: Clock }): Promise<KnownProviders> {
  known ??= KnownProviders.open({
    ...{ clock, store: openProviderRecord() },
    stakes: new KnownStakes({ clock, read: readOperator }),
  })
  return known
}

/** What is known of who can be trusted. */
export async function trustOf({ clock }: { readonly clock: Clock }, mesh: Mesh): Promise<TrustHome> {
  const [{ trustHomeOf }, known] = await Promise.all([import('./trust-home.ts'), knownProviders({ clock })])
  return trustHomeOf(mesh, { record: known.record, told: known.toldBy(() => mesh.registers), clock })
}

let reader: Promise<ReadOperator | undefined> | undefined

/** The client of a chain is loaded when somebody names an operator. */
const readOperator: ReadOperator = async (operator, { signal }) => {
  reader ??= import('./read-operator.ts').then(({ openOperatorReader }) => openOperatorReader(signal))
  try {
    return await (
      await reader
    )?.(operator, { signal })
  } catch (thrown) {
    reader = undefined // the relay may have been away, and says with the next one whether there is a chain
    throw thrown
  }
}
