import type { Stream } from '@libp2p/interface'
import { fromHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { ModelHash, PeerName } from '../../base/ids.ts'
import { millis, type EpochMillis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import { ANSWER_DEADLINE_MS } from '../../wire/limits.ts'
import type { Signed } from '../../wire/signed.ts'
import { askRelays, type SlowRelays } from '../ask-relays.ts'
import { MAX_FOUND_SEEDERS } from './constants.ts'
import { seedsReplySchema, type SeedsReply } from './messages.ts'
import { openSeeds, type SeedRecord, type SignedSeeds } from './seed-record.ts'

/** A relay's register of seeders as a peer sees it: over a stream, or in the same process. */
export interface SeedsPort {
  /** The relay that keeps it, where that is not this process. */
  readonly relay?: PeerName | undefined
  /** Tells what this peer seeds. @throws InfernetError as the register refuses, or `schedule.no-relay` */
  announce(seeds: Signed, options?: { signal?: AbortSignal }): Promise<unknown>
  /** Who seeds a model. Nothing is verified yet. @throws as `announce` */
  find(model: ModelHash, options?: { signal?: AbortSignal }): Promise<readonly SignedSeeds[]>
}

export interface RemoteSeedsComponents {
  readonly clock: Clock
  readonly relay: PeerName
  /** Opens a stream of the seeds protocol to the relay. */
  readonly openStream: (options: { signal: AbortSignal }) => Promise<Stream>
}

/** A relay's register over streams, one a request. */
export class RemoteSeeds implements SeedsPort {
  readonly relay: PeerName
  readonly #components: RemoteSeedsComponents

  constructor(components: RemoteSeedsComponents) {
    this.relay = components.relay
    this.#components = components
  }

  async announce(seeds: Signed, options: { signal?: AbortSignal } = {}): Promise<EpochMillis> {
    const reply = await this.#ask({ type: 'announce', seeds }, options)
    if (reply.type !== 'done') throw new InfernetError('wire.unexpected', { got: reply.type })
    return reply.until
  }

  async find(model: ModelHash, options: { signal?: AbortSignal } = {}): Promise<readonly SignedSeeds[]> {
    const limit = MAX_FOUND_SEEDERS
    const reply = await this.#ask({ type: 'find', model: fromHex(model), limit }, options)
    if (reply.type !== 'seeders') throw new InfernetError('wire.unexpected', { got: reply.type })
    return reply.seeders
  }

  async #ask(request: unknown, { signal }: { signal?: AbortSignal }): Promise<SeedsReply> {
    const { clock, openStream } = this.#components
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: ANSWER_DEADLINE_MS })
    const ask = async (own: AbortSignal): Promise<SeedsReply> => {
      const frames = new FramedStream(await openStream({ signal: own }), seedsReplySchema, clock)
      try {
        await frames.send(request, { signal: own })
        const reply = await frames.receive({ signal: own })
        void frames.finish()
        if (reply.type === 'refused') throw errorFromPeer(reply.error)
        return reply
      } catch (thrown) {
        frames.abort(thrown)
        throw thrown
      }
    }
    return withDeadline(clock, millis(ANSWER_DEADLINE_MS), late, ask, { signal })
  }
}

/** A seeder whose record was verified here. */
export interface FoundSeeder {
  readonly peer: PeerName
  readonly record: SeedRecord
}

export interface FindSeedersInit {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** With them, an answer of one relay that names somebody is enough, see `askRelays`. @default every relay is waited for */
  readonly slow?: SlowRelays | undefined
  /** What is kept of those that answer late, see `askRelays`. @default nothing */
  readonly late?: Map<PeerName, readonly FoundSeeder[]> | undefined
}

/**
 * Asks the registers at once and merges what they say: verified here, the newest record of each peer. A relay that does
 * not speak of seeds, does not answer, or answers rubbish is left out.
 *
 * @throws the signal's reason
 */
export async function findSeeders(
  ports: readonly SeedsPort[],
  model: ModelHash,
  { clock, signal, slow, late }: FindSeedersInit,
): Promise<readonly FoundSeeder[]> {
  const find = async (port: SeedsPort, options: { signal: AbortSignal }): Promise<readonly FoundSeeder[]> =>
    openAll(await port.find(model, options), clock.now())
  const heard = await askRelays(ports, find, {
    ...{ clock, signal, slow, late },
    isEnough: (seeders) => seeders.some(({ record }) => holds(record, model)),
  })
  const best = new Map<PeerName, FoundSeeder>()
  for (const each of heard.flat()) {
    const known = best.get(each.peer)
    if (!known || each.record.sequence > known.record.sequence) best.set(each.peer, each)
  }
  return [...best.values()].filter(({ record }) => holds(record, model))
}

/** Those of a relay that are what their peers signed. */
async function openAll(named: readonly SignedSeeds[], now: EpochMillis): Promise<readonly FoundSeeder[]> {
  const opened = await Promise.allSettled(
    named.map(async (signed) => ({ peer: signed.peer, record: await openSeeds(signed, now) })),
  )
  return opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

function holds({ models }: SeedRecord, model: ModelHash): boolean {
  return models.some((seeded) => seeded.model === model && seeded.held > 0)
}
