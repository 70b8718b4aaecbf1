import type { Hash, TransactionReceipt } from 'viem'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { sleep } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Fate } from './look-up.ts'
import type { BatchSender, Note, SendAnswer, SendAgain, Signer } from './signer.ts'
import { TransactionTrack, type TrackComponents } from './track-transaction.ts'
import { isOpen, withHash, type TransactionRecord } from './transaction-record.ts'

/** Where a transaction is that was given away, or may have been. */
export type FollowedState =
  | {
      readonly stage: 'sending' | 'sent' | 'stuck'
      readonly hash: Hash | undefined
      readonly canSpeedUp: boolean
    }
  /** It is not known whether anybody has it. Sent again only where that cannot pay twice. */
  | {
      readonly stage: 'unknown'
      readonly hash: Hash | undefined
      readonly why: InfernetError
      readonly canSendAgain: boolean
    }

export interface FollowComponents extends TrackComponents {
  readonly signer: Signer
}

export interface FollowOptions {
  readonly signal: AbortSignal
  readonly onState: (state: FollowedState) => void
  /** @throws when it could not be put on record: then it must not be sent */
  readonly onRecord: (record: TransactionRecord | undefined) => Promise<void>
}

const BATCH_POLL_MS = 1.5 * SECOND_MS

/**
 * One transaction from before it is sent until the chain has decided. Whatever its wallet or a node answers in between,
 * or does not, the chain is looked at; a doubt is told as one and ends only with what the chain says.
 */
export class FollowedTransaction {
  readonly #components: FollowComponents
  readonly #options: FollowOptions
  #track: TransactionTrack | undefined
  #doubt: InfernetError | undefined
  #isLate = false
  /** The chain has decided, or the wallet has for certain. */
  #isOver = false
  #line: Promise<void> = Promise.resolve()
  #begin = Promise.withResolvers<TransactionTrack>()
  #watchBatch: (() => void) | undefined

  constructor(components: FollowComponents, options: FollowOptions) {
    this.#components = components
    this.#options = options
  }

  /**
   * Resolves when it is in a block and did what it should; `undefined` where the wallet alone says so.
   *
   * @throws InfernetError `wallet.*`, when it is certain what became of it
   */
  send(
    give: (note: Note) => Promise<SendAnswer>,
    batches?: BatchSender,
  ): Promise<TransactionReceipt | undefined> {
    const given = give((record) => this.#note(record)).then((answer) => this.#heard(answer))
    return this.#decided(given, batches)
  }

  /** One that is on record already. */
  resume(answer: SendAnswer): Promise<TransactionReceipt | undefined> {
    this.#started(answer.record)
    this.#heard(answer)
    return this.#decided(Promise.resolve(), undefined)
  }

  /** The very same once more where the key is ours; and the chain is looked at. */
  async again(): Promise<void> {
    const { sendAgain } = this.#components.signer
    // What waits for a block waits: only a doubt is a reason to send it again.
    if (sendAgain && this.#track?.record.raws.length && this.#doubt) await this.#resend(sendAgain)
    this.#watchBatch?.()
    this.#track?.look()
  }

  /** @throws InfernetError `wallet.*`; what was sent before goes on waiting */
  async speedUp(): Promise<void> {
    const { speedUp } = this.#components.signer
    if (speedUp) await this.#resend(speedUp)
  }

  async #resend(send: SendAgain): Promise<void> {
    const track = this.#track
    if (!track || this.#isOver) return
    const { signal } = this.#options
    const answer = await send(track.record, { signal, note: (record) => this.#note(record) })
    if (this.#isOver) return
    this.#doubt = answer.doubt
    this.#tell()
  }

  /** The wallet's certain no ends it, the chain's decision too, and nothing else. */
  async #decided(
    given: Promise<void>,
    batches: BatchSender | undefined,
  ): Promise<TransactionReceipt | undefined> {
    const end = new AbortController()
    const signal = AbortSignal.any([this.#options.signal, end.signal])
    const mined = this.#begin.promise.then((track) =>
      track.mined({
        signal,
        onLook: (fate, isLate) => this.#looked(fate, isLate),
        onDecided: (record) => this.#decide(record),
      }),
    )
    const told = batches ? this.#batchTold(batches, given, signal) : mined
    const decided = Promise.race([mined, told])
    decided.catch(() => undefined)
    try {
      return await Promise.race([decided, given.then(() => decided)])
    } finally {
      end.abort(new DOMException('decided', 'AbortError'))
    }
  }

  async #note(record: TransactionRecord | undefined): Promise<void> {
    await this.#write(record)
    if (record && !this.#isOver) this.#started(record)
  }

  /** One after the other: what is older never comes to lie on what is newer, and what the chain decided stands. */
  #write(record: TransactionRecord | undefined): Promise<void> {
    const written = this.#line.then(() => {
      const isLate = this.#isOver && (!record || isOpen(record))
      return isLate ? undefined : this.#options.onRecord(record)
    })
    this.#line = written.catch(() => undefined)
    return written
  }

  async #decide(record: TransactionRecord): Promise<void> {
    this.#isOver = true
    await this.#write(record).catch(() => undefined) // the chain says it again at the next look
  }

  #started(record: TransactionRecord): void {
    if (record.state === 'sent') this.#doubt = undefined
    if (this.#track) this.#track.record = record
    else {
      this.#track = new TransactionTrack(this.#components, record)
      this.#begin.resolve(this.#track)
    }
    this.#tell()
  }

  #heard({ record, doubt }: SendAnswer): void {
    const track = this.#track
    if (!track || this.#isOver) return
    // A look at the chain may know more by now than who was asked.
    if (track.record.state !== 'sent') {
      track.record = record
      this.#doubt = doubt
    }
    this.#tell()
  }

  #looked(fate: Fate, isLate: boolean): void {
    const track = this.#track
    if (!track || this.#isOver) return
    this.#isLate = isLate
    if (fate.kind === 'waiting') {
      this.#doubt = undefined
      const { record } = track
      if (record.state !== 'sent' || record.nonce !== fate.nonce) {
        track.record = { ...record, state: 'sent', nonce: fate.nonce }
        void this.#write(track.record).catch(() => undefined)
      }
    } else if (fate.kind === 'absent' && isLate && track.record.state === 'sent')
      this.#doubt ??= new InfernetError('wallet.nowhere')
    this.#tell()
  }

  #tell(): void {
    const { signer } = this.#components
    const record = this.#track?.record
    // While its owner is asked, the wallet's window says the most.
    if (!record || this.#isOver || (record.state === 'asked' && !this.#doubt)) return
    const hash = record.hashes.at(-1)
    if (this.#doubt) {
      const canSendAgain = signer.sendAgain !== undefined && record.raws.length > 0
      this.#options.onState({ stage: 'unknown', hash, why: this.#doubt, canSendAgain })
      return
    }
    const stage = record.state !== 'sent' ? 'sending' : this.#isLate ? 'stuck' : 'sent'
    this.#options.onState({ stage, hash, canSpeedUp: signer.speedUp !== undefined })
  }

  /** What the wallet says of a batch: it may come into a block by another sender, where nobody else finds it. */
  async #batchTold(
    batches: BatchSender,
    given: Promise<void>,
    signal: AbortSignal,
  ): Promise<TransactionReceipt | undefined> {
    const { client, clock } = this.#components
    await given
    const track = await this.#begin.promise
    for (;;) {
      const id = track.record.batch
      const told = id === undefined ? undefined : await batches.status(id, { signal }).catch(() => undefined)
      signal.throwIfAborted()
      if (told?.state === 'failed' || (told?.state === 'unknown' && this.#doubt)) {
        const state = told.hash ? 'failed' : 'dropped'
        await this.#decide({ ...track.record, state })
        throw new InfernetError(told.hash ? 'wallet.reverted' : 'wallet.not-sent')
      }
      if (told?.state === 'confirmed') {
        const { hash } = told
        const receipt = hash && (await client.getTransactionReceipt({ hash }).catch(() => undefined))
        const hashes = hash ? withHash(track.record.hashes, hash) : track.record.hashes
        const block = receipt ? Number(receipt.blockNumber) : undefined
        await this.#decide({ ...track.record, hashes, state: 'mined', block })
        return receipt
      }
      const pressed = Promise.withResolvers<void>()
      this.#watchBatch = pressed.resolve
      await Promise.race([sleep(clock, millis(BATCH_POLL_MS), { signal }), pressed.promise])
    }
  }
}
