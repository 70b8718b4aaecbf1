import { chainAddress } from '#shared/base/ids.ts'
import { baseUnits, epochMillis, millis, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { ClaimNotes, utcDay } from '#shared/settle/claim-notes.ts'
import { PayeeLedger, unclaimedIn } from '#shared/settle/payee-ledger.ts'
import { planClaims } from '#shared/settle/plan-claims.ts'
import type { ClaimEntry, EarnedLine } from '../../wallet/acts.ts'
import type { Claimable, PotOnChain } from '../../wallet/read-lines.ts'
import type { EscrowOnChain } from '../../wallet/read-snapshot.ts'
import { entryOf, potKey, potLinesOf, providedByClaim } from './claim-entries.ts'
import { claimOffers, correctClaims } from './claim-offers.ts'
import { dollarsInAsset, type Energy } from './energy.svelte.ts'
import type { MoneyServices } from './money-services.ts'
import type { Wallet } from './wallet.svelte.ts'

const DAY_MS = 24 * 60 * 60_000
/** A hundred lines are three hundred questions; who has more claims in several goes. */
const MAX_LINES = 100
/** A voucher that brings nothing is passed over for so many looks at most: some minutes. */
const MAX_REST_LOOKS = 32

/** Income beside its cost: net can be negative. */
export interface Income {
  readonly paid: bigint
  /** `undefined` where nobody has said what a unit of the asset is worth. */
  readonly electricity: bigint | undefined
  readonly electricityUsd: number
  readonly net: bigint | undefined
}

/** What providing brought: vouchers that wait for a claim, pots that wait for a sweep, and what is left after electricity. */
export class Earning {
  readonly #wallet: Wallet
  readonly #energy: Energy
  readonly #notes = new ClaimNotes()
  #turn = 0
  #claimable = $state.raw<readonly Claimable[]>([])
  #pots = $state.raw<readonly PotOnChain[]>([])
  #error = $state.raw<InfernetError | undefined>()
  #of = $state<string | undefined>()
  #reading: Promise<void> | undefined

  constructor(wallet: Wallet, energy: Energy) {
    this.#wallet = wallet
    this.#energy = energy
  }

  /** Vouchers that a claim would pay now. */
  get vouchers(): readonly ClaimEntry[] {
    return this.#isOurs ? this.#claimable.filter(({ payable }) => payable > 0n).map(({ entry }) => entry) : []
  }
  /** Pots that a sweep would pay out after that claim. */
  get pots(): readonly EarnedLine[] {
    const claimed = this.vouchers.map(({ voucher }) => potKey(voucher))
    return this.#isOurs ? this.#pots.filter((pot) => pot.provided > 0n || claimed.includes(potKey(pot))) : []
  }
  /** What arrives in the wallet when all of it is claimed now. */
  get toClaim(): bigint {
    const { escrow } = this.#wallet
    if (!escrow || !this.#isOurs) return 0n
    const known = { shares: escrow.shares, pots: this.#pots }
    const fresh = this.#claimable.reduce(
      (sum, { entry, payable }) => sum + providedByClaim(entry, payable, known),
      0n,
    )
    return this.#pots.reduce((sum, { provided }) => sum + provided, fresh) + escrow.credit
  }
  get error(): InfernetError | undefined {
    return this.#error
  }

  /** What providing brought over the last days, today among them by UTC, in the chosen asset. */
  over(days: number): Income {
    const { escrow, entries, now } = this.#wallet
    const since = (Math.floor(now / DAY_MS) - days + 1) * DAY_MS
    const paid = entries.reduce(
      (sum, entry) =>
        entry.kind === 'earned' && entry.symbol === escrow?.symbol && entry.at >= since
          ? sum + entry.paid
          : sum,
      0n,
    )
    const electricityUsd = this.#energy.costOf(days)
    const electricity = escrow && dollarsInAsset(electricityUsd, escrow.decimals, escrow.usdHint)
    return {
      paid,
      electricity,
      electricityUsd,
      net: electricity === undefined ? undefined : paid - electricity,
    }
  }

  /** Asks the chain what the vouchers of this browser are worth now. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  get #isOurs(): boolean {
    return this.#of !== undefined && this.#of === this.#key
  }
  /** Of which wallet and escrow the figures are. */
  get #key(): string | undefined {
    const { escrow, address } = this.#wallet
    return escrow && address && `${escrow.escrow}/${address}`
  }

  /** What one claim of all would pay now: what vouchers share counts once, and a day's cap is the day's. */
  async #readClaimable(
    services: MoneyServices,
    { escrow, graceSeconds }: EscrowOnChain,
    ledger: PayeeLedger,
  ): Promise<readonly Claimable[]> {
    await correctClaims(services, ledger, this.#turn++)
    const now = epochMillis(this.#wallet.now)
    const open = this.#notes.pick(
      ledger.vouchers.filter((held) => unclaimedIn(held) > 0n),
      { most: MAX_LINES, day: utcDay(now), maxRest: MAX_REST_LOOKS },
    )
    const offers = await claimOffers(services, { escrow, ledger, notes: this.#notes }, open)
    const { claims, leftOut } = planClaims([...offers.keys()], {
      ...{ now, graceMs: millis(graceSeconds * SECOND_MS), isClosing: true, most: MAX_LINES },
      costs: { perBatch: baseUnits(0n), perVoucher: baseUnits(0n) },
    })
    for (const [offer, held] of offers) this.#notes.note(held, leftOut.get(offer) ?? 'due')
    return claims.map(({ offer, pays }) => ({ entry: entryOf(offer.held), payable: pays }))
  }

  async #read(): Promise<void> {
    const { services, escrow, address } = this.#wallet
    const key = this.#key
    if (!services || !escrow || !address) return
    try {
      const id = { chainId: services.network.chainId, escrow: chainAddress(escrow.escrow) }
      const ledger = await PayeeLedger.load(services.ledger, id, chainAddress(address))
      // A pot may hold something though its vouchers are claimed: who carried them need not have paid it out.
      const [claimable, pots] = await Promise.all([
        this.#readClaimable(services, escrow, ledger),
        services.readPots(escrow, potLinesOf(ledger.vouchers).slice(0, MAX_LINES)),
      ])
      if (key !== this.#key) return
      this.#claimable = claimable
      this.#pots = pots
      this.#of = key
      this.#error = undefined
    } catch (thrown) {
      this.#error = InfernetError.from(thrown, 'wallet.unreachable')
    }
  }
}
