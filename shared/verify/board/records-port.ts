import type { Stream } from '@libp2p/interface'
import { fromHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { ANSWER_DEADLINE_MS } from '../../wire/limits.ts'
import type { Signed } from '../../wire/signed.ts'
import type { CheckCount } from './check-counts.ts'
import { MAX_FOUND_GOLDEN } from './constants.ts'
import type { ServedGolden } from './golden-book.ts'
import { recordsReplySchema, type RecordsReply } from './messages.ts'
import type { ServedVerdict, SignedVerdict } from './verdict-book.ts'

export interface RecordsOptions {
  readonly signal?: AbortSignal | undefined
}

/** A relay's registers of golden records and verdicts as a peer sees them: over a stream, or in the same process. */
export interface RecordsPort {
  /** The relay that keeps them, where that is not this process. */
  readonly relay?: PeerName | undefined
  /** Tells what this peer's machine makes of the golden prompts. @throws InfernetError as the relay refuses, or `schedule.no-relay` */
  publishGolden(golden: Signed, options?: RecordsOptions): Promise<unknown>
  /**
   * Golden records of a model, MAX_FOUND_GOLDEN of them at most: some by chance, or those of `providers`. Nothing is
   * verified yet. @throws as `publishGolden`
   */
  findGolden(
    model: ModelHash,
    options?: RecordsOptions & { readonly providers?: readonly PeerName[] },
  ): Promise<readonly ServedGolden[]>
  /** Tells a verdict. @throws as `publishGolden` */
  publishVerdict(verdict: SignedVerdict, options?: RecordsOptions): Promise<unknown>
  /** The last verdicts about a provider. Nothing is verified yet. @throws as `publishGolden` */
  findVerdicts(provider: PeerName, options?: RecordsOptions): Promise<readonly ServedVerdict[]>
  /** How many checks the relay heard of within the last day, by its word. @throws as `publishGolden` */
  count(options?: RecordsOptions): Promise<CheckCount>
}

export interface RemoteRecordsComponents {
  readonly clock: Clock
  readonly relay: PeerName
  /** Opens a stream of the records protocol to the relay. */
  readonly openStream: (options: { signal: AbortSignal }) => Promise<Stream>
}

/** A relay's registers over streams, one a request. */
export class RemoteRecords implements RecordsPort {
  readonly relay: PeerName
  readonly #components: RemoteRecordsComponents

  constructor(components: RemoteRecordsComponents) {
    this.relay = components.relay
    this.#components = components
  }

  async publishGolden(golden: Signed, options: RecordsOptions = {}): Promise<void> {
    await this.#ask('done', { type: 'publish-golden', golden }, options)
  }

  async findGolden(
    model: ModelHash,
    { providers = [], ...options }: RecordsOptions & { readonly providers?: readonly PeerName[] } = {},
  ): Promise<readonly ServedGolden[]> {
    const named = providers.slice(0, MAX_FOUND_GOLDEN)
    const request = { type: 'find-golden', model: fromHex(model), providers: named, limit: MAX_FOUND_GOLDEN }
    const { records } = await this.#ask('golden', request, options)
    return records.map((record) => ({ ...record, staked: record.staked }))
  }

  async publishVerdict({ verifier, verdict }: SignedVerdict, options: RecordsOptions = {}): Promise<void> {
    await this.#ask('done', { type: 'publish-verdict', verifier, verdict }, options)
  }

  async findVerdicts(provider: PeerName, options: RecordsOptions = {}): Promise<readonly ServedVerdict[]> {
    const { verdicts } = await this.#ask('verdicts', { type: 'find-verdicts', provider }, options)
    return verdicts.map((verdict) => ({ ...verdict, staked: verdict.staked }))
  }

  async count(options: RecordsOptions = {}): Promise<CheckCount> {
    const { all, staked } = await this.#ask('counts', { type: 'count' }, options)
    return { all, staked }
  }

  async #ask<Type extends RecordsReply['type']>(
    type: Type,
    request: unknown,
    { signal }: RecordsOptions,
  ): Promise<Extract<RecordsReply, { type: Type }>> {
    const { clock, openStream } = this.#components
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: ANSWER_DEADLINE_MS })
    const ask = async (own: AbortSignal): Promise<RecordsReply> => {
      const frames = new FramedStream(await openStream({ signal: own }), recordsReplySchema, clock)
      try {
        await frames.send(request, { signal: own })
        const reply = await frames.receive({ signal: own })
        void frames.finish()
        return reply
      } catch (thrown) {
        frames.abort(thrown)
        throw thrown
      }
    }
    const reply = await withDeadline(clock, millis(ANSWER_DEADLINE_MS), late, ask, { signal })
    if (reply.type === 'refused') throw errorFromPeer(reply.error)
    if (!isOf(reply, type)) throw new InfernetError('wire.unexpected', { got: reply.type })
    return reply
  }
}

function isOf<Type extends RecordsReply['type']>(
  reply: RecordsReply,
  type: Type,
): reply is Extract<RecordsReply, { type: Type }> {
  return reply.type === type
}
