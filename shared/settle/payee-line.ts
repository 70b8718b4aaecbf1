import { baseUnits, type BaseUnits } from '../base/units.ts'

/** A job's part in what its payer owes on one line. */
export interface LineJob {
  /** What it is owed, with what is in work. */
  due: bigint
  /** Written tokens that may be unpaid, in base units. */
  window: bigint
  /** What a short prompt costs, which is read before it is paid for. */
  readonly prefill: bigint
  /** What came by its own stream, its prepaid prompt with it. Another job's voucher may have brought some of it. */
  cameIn: bigint
}

/**
 * What came in on one line of payment, and what the jobs that run on it have used of it. Vouchers name no job, so all
 * jobs of a line draw on the same sum.
 */
export class PayeeLine {
  /** Everything that came in: the highest voucher. */
  received: bigint
  /** What closed jobs have used of it, or another run of this program has. */
  #used: bigint
  readonly #jobs = new Set<LineJob>()

  constructor(received: bigint) {
    this.received = this.#used = received
  }

  get jobs(): number {
    return this.#jobs.size
  }

  /** What came in beyond what was used and is owed; negative when something is owed. */
  get balance(): bigint {
    return this.received - this.#used - this.#sum(({ due }) => due)
  }

  /** What came in for none of our jobs: the operator has other nodes, and a line is the operator's. */
  absorb(amount: bigint): void {
    if (amount > 0n) this.#used += amount
  }

  enter(job: LineJob): void {
    this.#jobs.add(job)
  }

  /** Whether no more is unpaid than the jobs' windows allow, and prompts that were short enough to be read first. */
  get isCovered(): boolean {
    const cameIn = this.received - this.#used
    const prefill = this.#sum((job) => job.prefill)
    const unpaidPrefill = prefill > cameIn ? prefill - (cameIn > 0n ? cameIn : 0n) : 0n
    return -this.balance <= this.#sum(({ window }) => window) + unpaidPrefill
  }

  /** Whether a job may begin: nothing is missing but what the others' windows and short prompts may leave. */
  mayBegin(job: LineJob): boolean {
    const unpaidPrefill = ({ prefill, cameIn }: LineJob): bigint => (prefill > cameIn ? prefill - cameIn : 0n)
    const others = this.#sum((each) => (each === job ? 0n : each.window + unpaidPrefill(each)))
    return -this.balance <= others
  }

  /** Whether all of a job is paid: by its own stream, or because nothing is missing on the line at all. */
  isSettled({ cameIn, due }: LineJob): boolean {
    return cameIn >= due || this.balance >= 0n
  }

  /**
   * Ends a job that was owed `due`; gives what of it nobody paid. That is written off: it is not the next job's. What
   * is missing may be missing for another job, whose window is open: nobody is blamed for what its own stream paid.
   */
  leave(job: LineJob, due: BaseUnits): BaseUnits {
    if (!this.#jobs.has(job)) return baseUnits(0n)
    job.due = due
    const [missing, unpaid] = [-this.balance, due - job.cameIn]
    const most = missing < unpaid ? missing : unpaid
    const lost = most > 0n ? most : 0n
    this.#jobs.delete(job)
    this.#used += due - lost
    return baseUnits(lost + this.#writeOff())
  }

  /** With the last job, what is missing for any of them is gone: it stands in nobody's way. */
  #writeOff(): bigint {
    const missing = this.#jobs.size === 0 && this.balance < 0n ? -this.balance : 0n
    this.#used -= missing
    return missing
  }

  #sum(part: (job: LineJob) => bigint): bigint {
    let sum = 0n
    for (const job of this.#jobs) sum += part(job)
    return sum
  }
}
