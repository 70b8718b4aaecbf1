import { chainAddress } from '#shared/base/ids.ts'
import { epochMillis, millis, MINUTE_MS, SECOND_MS } from '#shared/base/units.ts'
import type { Clock } from '#shared/base/clock.ts'
import { ClaimNotes, utcDay } from '#shared/settle/claim-notes.ts'
import { MAX_CLAIM_BATCH } from '#shared/settle/constants.ts'
import { PayeeLedger, unclaimedIn, type HeldVoucher } from '#shared/settle/payee-ledger.ts'
import { planClaims, worthlessAt, type PlannedClaim } from '#shared/settle/plan-claims.ts'
import { siftClaims } from '#shared/settle/sift-claims.ts'
import { claim, CLAIMS_AT_ONCE } from '../../wallet/acts.ts'
import type { EscrowOnChain } from '../../wallet/read-snapshot.ts'
import type { Signer } from '../../wallet/signer.ts'
import { claimCosts, claimFee } from './claim-costs.ts'
import { entryOf, potLinesOf, providedByClaim } from './claim-entries.ts'
import { claimOffers, correctClaims } from './claim-offers.ts'
import type { MoneyServices } from './money-services.ts'
import { parseAmount } from './parse-amount.ts'
import type { Settings } from '../session/settings.svelte.ts'
import type { ActIntent, WalletAct } from './wallet-act.svelte.ts'
import type { Wallet } from './wallet.svelte.ts'

/** What must be claimed has days; what is worth it comes with an answer, and each of those is looked at soon. */
const LOOK_EVERY_MS = 5 * MINUTE_MS
const SOON_MS = 3 * SECOND_MS
/** A busy tab gets a voucher every second: the chain is asked about them so often at most. */
const LEAST_GAP_MS = 30 * SECOND_MS
/** Batches in one go, those among them that are tried anew as a half. */
const MAX_ROUNDS = 10
/** A voucher that brings nothing is passed over for so many looks at most, and no longer than this part of the grace. */
const MAX_REST_LOOKS = 64
const REST_DIVISOR = 16

/** What is worth a claim, and waits for the visitor because nobody else may sign it. */
export interface WaitingClaim {
  /** What arrives in the wallet. */
  readonly amount: bigint
  /** When the first of it is worth nothing any more, in milliseconds; undefined for never. */
  readonly lostAt: number | undefined
}

/** Why the tab leaves its claims to others. */
export type ClaimHindrance = 'no-gas'

interface FoundClaim extends WaitingClaim {
  readonly signer: Signer
  readonly fee: bigint
  readonly intent: ActIntent
  readonly vouchers: readonly HeldVoucher[]
}

/**
 * Claims what others signed to this tab, by itself: in a batch when that is worth the gas, when providing ends, and always
 * before a payer's withdrawal or a session's grace is over. Only the tab's own wallet can; with another one, or when
 * the visitor has switched it off, it says what waits.
 */
export class ClaimDesk {
  readonly #clock: Clock
  readonly #wallet: Wallet
  readonly #settings: Settings
  readonly #act: WalletAct
  readonly #notes = new ClaimNotes()
  #turn = 0
  #waiting = $state.raw<WaitingClaim | undefined>()
  #hindrance = $state<ClaimHindrance | undefined>()
  /** Whose they are. */
  #of = $state<string | undefined>()
  /** Until providing ends, a claim waits until it brings many times its gas. */
  #mayWait = true
  #looking: Promise<void> = Promise.resolve()
  #timer: { stop(): void } | undefined
  #nextAt = Infinity
  #askedAt = -Infinity
  #isStopped = false

  constructor(clock: Clock, wallet: Wallet, settings: Settings) {
    this.#clock = clock
    this.#wallet = wallet
    this.#settings = settings
    this.#act = wallet.newAct()
  }

  /** What the visitor should claim; undefined while nothing is worth it, or the tab does it. */
  get waiting(): WaitingClaim | undefined {
    return this.#of === this.#wallet.signer?.address ? this.#waiting : undefined
  }
  get hindrance(): ClaimHindrance | undefined {
    return this.#of === this.#wallet.signer?.address ? this.#hindrance : undefined
  }
  /** True while the tab claims. */
  get isClaiming(): boolean {
    return this.#act.isBusy
  }

  /** Looks when the wallet is there, and from then on again and again. */
  start(): void {
    void this.#wallet.opened.then(() => this.#schedule(SOON_MS))
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.stop()
    this.#act.leave()
  }

  /** A voucher came in, or the visitor changed what to wait for. */
  soon(): void {
    const now = this.#clock.monotonic()
    const inMs = Math.max(SOON_MS, this.#askedAt + LEAST_GAP_MS - now)
    if (now + inMs < this.#nextAt) this.#schedule(inMs)
  }

  /** Providing begins: from now on claims wait until they are worth it. */
  open(): void {
    this.#mayWait = true
  }

  /** Providing ends: everything that brings more than it costs is claimed now. Never throws. */
  close(): Promise<void> {
    this.#mayWait = false
    return this.look()
  }

  /** Looks now, after whatever look is under way. Never throws: what did not come to pass is tried at the next look. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look()).catch(() => undefined)
    return this.#looking
  }

  #schedule(inMs: number): void {
    if (this.#isStopped) return
    this.#timer?.stop()
    this.#nextAt = this.#clock.monotonic() + inMs
    this.#timer = this.#clock.schedule(millis(inMs), () => {
      this.#nextAt = Infinity
      void this.look().finally(() => {
        if (this.#nextAt === Infinity) this.#schedule(LOOK_EVERY_MS)
      })
    })
  }

  async #look(): Promise<void> {
    let most = CLAIMS_AT_ONCE
    for (let round = 0; round < MAX_ROUNDS && !this.#isStopped; round++) {
      const found = await this.#find({ most, goesOn: round > 0 })
      this.#of = this.#wallet.signer?.address
      this.#hindrance = undefined
      this.#waiting = undefined
      if (!found) return
      // A locked wallet would ask a person who ordered nothing.
      const mayClaim = found.signer.kind === 'tab' && !found.signer.asks && !this.#wallet.needsLock
      if (!mayClaim || !this.#settings.claimsItself.value) {
        this.#waiting = { amount: found.amount, lostAt: found.lostAt }
        return
      }
      if (this.#wallet.act.isBusy) return this.#schedule(LEAST_GAP_MS) // the visitor goes first
      if ((this.#wallet.snapshot?.native ?? 0n) < found.fee) {
        this.#hindrance = 'no-gas'
        return
      }
      // What did not fit goes next; and what was claimed is noted, because the chain gives nothing for it any more.
      if (await this.#act.begin(found.signer, found.intent)) {
        most = CLAIMS_AT_ONCE
        continue
      }
      const code = this.#act.error?.code
      if (code === 'wallet.no-gas') this.#hindrance = 'no-gas'
      if (code !== 'wallet.reverted') return
      // Never the same again: a half has it in it or not, and the one that spoils it in the end stands alone.
      const [only] = found.vouchers
      if (only && found.vouchers.length === 1) this.#notes.note(only, 'refused')
      most = found.vouchers.length === 1 ? CLAIMS_AT_ONCE : Math.ceil(found.vouchers.length / 2)
    }
  }

  /** What should be claimed now. @throws InfernetError `wallet.*`, `payment.*` when the chain does not answer */
  async #find({ most, goesOn }: { most: number; goesOn: boolean }): Promise<FoundClaim | undefined> {
    const { services, signer, snapshot } = this.#wallet
    const main = snapshot?.escrows[0] // prices are in its asset
    if (!services || !signer || !main || snapshot.address !== signer.address) return undefined
    const { network } = services
    const id = { chainId: network.chainId, escrow: chainAddress(main.escrow) }
    const ledger = await PayeeLedger.load(services.ledger, id, chainAddress(signer.address))
    if (!goesOn) await correctClaims(services, ledger, this.#turn++)
    // Deadlines are the chain's, and a test chain may be ahead of us.
    const now = epochMillis(Math.max(this.#clock.now(), snapshot.block.timestamp * SECOND_MS))
    const graceMs = millis(main.graceSeconds * SECOND_MS)
    const restLooks = Math.floor(graceMs / REST_DIVISOR / LOOK_EVERY_MS)
    const open = this.#notes.pick(
      ledger.vouchers.filter((held) => unclaimedIn(held) > 0n),
      {
        most: MAX_CLAIM_BATCH,
        day: utcDay(now),
        maxRest: Math.max(1, Math.min(MAX_REST_LOOKS, restLooks)),
        goesOn,
      },
    )
    if (open.length === 0) return undefined
    this.#askedAt = this.#clock.monotonic()
    const known = { escrow: main.escrow, ledger, notes: this.#notes }
    const offers = await claimOffers(services, known, open)
    if (offers.size === 0) return undefined
    const gasPrice = await services.gasPrice()
    const least = parseAmount(this.#settings.claimLeast.value ?? '', main.decimals)
    const plan = planClaims([...offers.keys()], {
      ...{ now, graceMs, most, isClosing: !this.#mayWait },
      costs: claimCosts({ network, asset: main, gasPrice, least }),
    })
    for (const [offer, held] of offers) this.#notes.note(held, plan.leftOut.get(offer) ?? 'due')
    const { good, refused } = await siftClaims(plan.claims, (claims) => {
      const entries = claims.map(({ offer }) => entryOf(offer.held))
      return services.tryClaim(main.escrow, { from: signer.address, entries })
    })
    const heldOf = ({ offer }: PlannedClaim): HeldVoucher => offers.get(offer) ?? offer.held
    for (const claim of refused.keys()) this.#notes.note(heldOf(claim), 'refused')
    if (good.length === 0) return undefined
    const { amount, intent } = await intentFor(services, main, good)
    const lostAt = Math.min(...good.map(({ offer }) => worthlessAt(offer, graceMs)))
    return {
      ...{ signer, intent, amount, lostAt: lostAt === Infinity ? undefined : lostAt },
      ...{ vouchers: good.map(heldOf), fee: claimFee(good.length, gasPrice) },
    }
  }
}

async function intentFor(
  services: MoneyServices,
  main: EscrowOnChain,
  claims: readonly PlannedClaim[],
): Promise<{ amount: bigint; intent: ActIntent }> {
  const pots = await services.readPots(main, potLinesOf(claims.map(({ offer }) => offer.held)))
  const known = { shares: main.shares, pots }
  const vouchers = claims.map(({ offer }) => entryOf(offer.held))
  const fresh = claims.map(({ offer, pays }) => providedByClaim(entryOf(offer.held), pays, known))
  const amount = [...fresh, ...pots.map(({ provided }) => provided)].reduce((sum, each) => sum + each, 0n)
  const act = claim({ escrow: main.escrow, vouchers, pots, credit: undefined })
  const { symbol, decimals } = main
  return { amount, intent: { what: 'claim', act, amount, symbol, decimals } }
}
