import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { Payee, Peer } from '#shared/peer/peer.ts'
import { provideModel } from '#shared/peer/provide-model.ts'
import type { Price } from '#shared/prompt/prompt.ts'
import type { Screen } from '#shared/stream/screen.ts'
import type { BeginLending, ChosenModel, Lending, LendingComponents, OfferModel } from './lending.ts'
import type { TabReason } from './pause-reasons.ts'

/** Lends one model, or the others that are kept here as well: that part of the page is fetched when it is first wanted. */
export async function lendingWay(withOthers: boolean): Promise<BeginLending> {
  if (!withOthers) return lendOne
  try {
    const { LentModels } = await import('./lent-models.ts')
    return (components, chosen) => new LentModels(components, chosen)
  } catch {
    return lendOne // whoever served the page has another one now, or is away
  }
}

function lendOne({ offer }: LendingComponents, { choice, started }: ChosenModel): Lending {
  const chosen = offer(choice, started.engine, { subgroups: () => started.subgroups?.on ?? false })
  return {
    chosen,
    all: [chosen],
    models: [],
    setShare: (share) => started.setShare(share),
    setReason: (reason, on) => chosen.setReason(reason, on),
    othersChanged: () => undefined,
    onChange: (callback) => chosen.onChange(callback),
    drain: () => chosen.drain(),
    stop: () => chosen.stop(),
    close: () => started.engine.close().catch(() => undefined),
  }
}

export interface OfferTerms {
  readonly payee: Payee | undefined
  readonly priceOf: (model: ModelChoice) => Price
  /** Says which texts are not wanted. */
  readonly screenOf: (model: ModelChoice) => Screen
  /** Of the time, (0, 1]; read at each offer. */
  readonly share: () => number
}

/** Offers models at this peer under these terms. */
export function offerAt(
  peer: Pick<Peer, 'provide'>,
  { payee, priceOf, screenOf, share }: OfferTerms,
): OfferModel {
  return (choice, engine, { place, subgroups }) =>
    provideModel<TabReason>(peer, engine, {
      payee,
      place,
      price: priceOf(choice),
      screen: screenOf(choice),
      get share() {
        return share()
      },
      get subgroups() {
        return subgroups()
      },
    })
}
