import * as v from 'valibot'
import { amountToBytes, fromHex } from '../base/bytes.ts'
import type { ChainAddress, ModelHash, PeerName } from '../base/ids.ts'
import type { EpochMillis, Tokens } from '../base/units.ts'
import type { Backend } from '../engine/engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { TASKS, type Task } from '../models/task.ts'
import { isFree } from '../prompt/free-price.ts'
import type { Price } from '../prompt/prompt.ts'
import {
  amountField,
  chainAddressField,
  epochMillisField,
  integer,
  line,
  list,
  modelHashField,
  real,
  tokensField,
} from '../wire/fields.ts'
import { openSigned, type Signed } from '../wire/signed.ts'
import { CLOCK_SKEW_MS, OFFER_LIFE_MS } from './constants.ts'

/** What runs the model: a browser's tab, or a Node process. */
export type ProviderKind = 'tab' | 'node'

/**
 * Where a provider has a model that is not on its GPU: whole on its disk, partly there, at other peers, or only at its
 * origin. The farther, the longer until the first token.
 */
export const TIERS = ['disk', 'part', 'swarm', 'origin'] as const
export type Tier = (typeof TIERS)[number]

/** What an engine showed on this device before it was offered. By the provider's word, as all of an offer. */
export interface OfferedSelfTest {
  /** Golden tokens that came out right: all of them, or there is no offer. */
  readonly right: number
  /** Golden tokens there are; 0 for a model that brings none. */
  readonly total: number
  /** When it was run; never after the offer was signed. */
  readonly testedAt?: EpochMillis
  /** Whether its GPU computes with the `subgroups` feature: other kernels, whose last bits differ. */
  readonly subgroups?: boolean
}

/** Through which escrow an offer's price is paid. */
export interface OfferPayment {
  readonly chainId: number
  readonly escrow: ChainAddress
}

/** "I serve this model at this price until then", signed by who serves. A relay can hide one, never forge one. */
export interface Offer {
  readonly provider: PeerName
  readonly task: Task
  readonly model: ModelHash
  readonly kind: ProviderKind
  readonly backend: Backend
  /** What the provider says of its adapter; shown as its word, never as a fact. */
  readonly adapter: string
  readonly price: Price
  /** How that is paid; the quote says the rest. Absent: it works for nothing, and its price is only a figure. */
  readonly payment?: OfferPayment
  readonly contextLength: Tokens
  /** How many jobs it runs at once, and how many of these places are taken. */
  readonly slots: number
  readonly busySlots: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  readonly selfTest: OfferedSelfTest
  /** Where the model has to come from first; the quote says how long that takes. Absent: it is on the GPU. */
  readonly tier?: Tier
  /** Multiaddrs to dial, best first. */
  readonly addresses: readonly string[]
  /** Rises with each renewal, so that an old offer cannot be replayed. */
  readonly sequence: number
  readonly issuedAt: EpochMillis
  /** At most 60 s after `issuedAt`. */
  readonly expiresAt: EpochMillis
}

/** An offer as it travels: who signed it, and the exact bytes that were signed. */
export interface SignedOffer {
  readonly provider: PeerName
  readonly offer: Signed
}

const speed = real(0, 1e6)

const offerSchema = v.strictObject({
  task: v.picklist(TASKS),
  model: modelHashField,
  kind: v.picklist(['tab', 'node']),
  backend: v.picklist(['webgpu', 'wasm']),
  adapter: line(60),
  promptPerMillion: amountField,
  outputPerMillion: amountField,
  payment: v.exactOptional(
    v.strictObject({ chainId: integer(1, Number.MAX_SAFE_INTEGER), escrow: chainAddressField }),
  ),
  contextLength: tokensField,
  slots: integer(1, 256),
  busySlots: integer(0, 65_536),
  prefillTokensPerSecond: speed,
  decodeTokensPerSecond: speed,
  selfTest: v.strictObject({
    right: integer(0, 10_000),
    total: integer(0, 10_000),
    testedAt: v.exactOptional(epochMillisField),
    subgroups: v.exactOptional(v.boolean()),
  }),
  // Signed, so who does not know it refuses the offer by its name: skipped, a model that must be loaded would pass for one
  // that is there. It is left out where the model is there, so that such an offer is read by everybody.
  tier: v.exactOptional(v.picklist(TIERS)),
  addresses: list(line(400), 8),
  sequence: integer(1, Number.MAX_SAFE_INTEGER),
  issuedAt: epochMillisField,
  expiresAt: epochMillisField,
})

/** "I am leaving": drops all offers of a model up to this sequence number. */
export const tombstoneSchema = v.strictObject({
  model: modelHashField,
  sequence: integer(1, Number.MAX_SAFE_INTEGER),
  issuedAt: epochMillisField,
})

/** The body that is signed for an offer. */
export function offerBody(offer: Omit<Offer, 'provider'>): unknown {
  const { model, price, payment, ...rest } = offer
  return {
    ...rest,
    ...(payment && {
      payment: { chainId: payment.chainId, escrow: fromHex(payment.escrow.slice(2)) },
    }),
    model: fromHex(model),
    promptPerMillion: amountToBytes(price.promptPerMillion),
    outputPerMillion: amountToBytes(price.outputPerMillion),
  }
}

/**
 * Verifies and reads an offer.
 *
 * @throws InfernetError `wire.bad-signature`, `wire.malformed` or `schedule.offer-expired`: also for a life of more
 * than 60 s and for one that claims to come from the future. Malformed is also the offer of an engine that failed its
 * self-test, or was tested after the offer was signed: no honest provider makes one.
 */
export async function openOffer({ provider, offer: signed }: SignedOffer, now: EpochMillis): Promise<Offer> {
  const { promptPerMillion, outputPerMillion, ...rest } = await openSigned(
    'offer',
    offerSchema,
    signed,
    provider,
  )
  const offer: Offer = {
    ...rest,
    provider,
    price: { promptPerMillion, outputPerMillion },
  }
  if (offer.expiresAt - offer.issuedAt > OFFER_LIFE_MS)
    throw new InfernetError('wire.malformed', { field: 'expiresAt' })
  const { right, total, testedAt = 0 } = offer.selfTest
  if (right !== total || testedAt > offer.issuedAt)
    throw new InfernetError('wire.malformed', { field: 'selfTest' })
  if (offer.issuedAt > now + CLOCK_SKEW_MS || offer.expiresAt <= now)
    throw new InfernetError('schedule.offer-expired')
  return offer
}

/** What a job under this offer must be paid through: nothing for a price of nothing, whatever escrow is named. */
export function paymentOf({ payment, price }: Pick<Offer, 'payment' | 'price'>): OfferPayment | undefined {
  return isFree(price) ? undefined : payment
}
