import { fromHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { ModelHash } from '../../base/ids.ts'
import { millis } from '../../base/units.ts'
import { withDeadline } from '../../base/wait.ts'
import { errorFromPeer } from '../../errors/error-message.ts'
import { hasCode, InfernetError } from '../../errors/infernet-error.ts'
import { FramedStream } from '../../wire/framed-stream.ts'
import type { Manifest } from '../manifest.ts'
import { MAX_FETCH_PEERS, MAX_UNREAD_BYTES, OPEN_DEADLINE_MS } from './constants.ts'
import { seederMessageSchema } from './messages.ts'
import { isNamed, readNamedManifest } from './numbering.ts'
import type { Seeder, Swarm } from './swarm.ts'

/** Seeders that are asked for a manifest at once: one that drips or lies keeps nobody waiting, two or three neither. */
const ASKED_AT_ONCE = 4

export interface FetchManifestOptions {
  readonly signal?: AbortSignal | undefined
  /** How many seeders are asked at most: each sees who asks, and may send as much as a manifest may take. @default all */
  readonly maxPeers?: number | undefined
}

/**
 * Gets a manifest from peers. Its bytes are believed because they hash to its name.
 *
 * @throws InfernetError `models.nobody-left` when nobody gave it, `models.unsupported` when it came and cannot be used
 *   here, or the signal's reason
 */
export async function fetchManifest(
  { swarm, clock }: { readonly swarm: Swarm; readonly clock: Clock },
  model: ModelHash,
  { signal, maxPeers = MAX_FETCH_PEERS }: FetchManifestOptions = {},
): Promise<Manifest> {
  signal?.throwIfAborted()
  const stopper = new AbortController()
  const onAbort = (): void => stopper.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const late = (): Error => new InfernetError('wire.timeout', { limitMs: OPEN_DEADLINE_MS })
  const soon = <T>(task: (own: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(clock, millis(OPEN_DEADLINE_MS), late, task, { signal: stopper.signal })
  const seeders = await soon((own) => swarm.find(model, { signal: own })).catch(() => [])
  const left = seeders.slice(0, Math.min(maxPeers, MAX_FETCH_PEERS))
  let unusable: InfernetError | undefined
  const askInTurn = async (): Promise<Manifest> => {
    for (let seeder = left.shift(); seeder && !stopper.signal.aborted; seeder = left.shift())
      try {
        const asked = seeder
        return readCome(await soon((own) => askFor(asked, model, clock, own)), model)
      } catch (thrown) {
        // One that is gone, refuses or sends something else: the next one is asked. Of the right bytes there are no others.
        if (!hasCode(thrown, 'models.unsupported')) continue
        unusable = thrown
        stopper.abort(thrown)
      }
    throw new InfernetError('models.nobody-left')
  }
  try {
    return await Promise.any(Array.from({ length: ASKED_AT_ONCE }, askInTurn))
  } catch {
    signal?.throwIfAborted()
    throw unusable ?? new InfernetError('models.nobody-left')
  } finally {
    stopper.abort(new InfernetError('wire.closed'))
    signal?.removeEventListener('abort', onAbort)
  }
}

/** @throws InfernetError `models.unsupported` for what is right and of no use here, as of a task that is not known yet */
function readCome(bytes: Uint8Array, model: ModelHash): Manifest {
  try {
    return readNamedManifest(bytes, model)
  } catch (thrown) {
    if (!isNamed(bytes, model)) throw thrown
    const reason = 'its manifest is of a kind that is not known here'
    throw new InfernetError('models.unsupported', { reason }, { cause: thrown })
  }
}

async function askFor(
  seeder: Seeder,
  model: ModelHash,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stream = await seeder.open({ signal })
  const frames = new FramedStream(stream, seederMessageSchema, clock, { maxUnreadBytes: MAX_UNREAD_BYTES })
  try {
    await frames.send({ type: 'manifest', model: fromHex(model) }, { signal })
    let bytes: Uint8Array | undefined
    for (let filled = 0; ;) {
      const part = await frames.receive({ signal })
      if (part.type === 'refused') throw errorFromPeer(part.error)
      if (part.type !== 'manifest') throw new InfernetError('wire.unexpected', { got: part.type })
      bytes ??= new Uint8Array(part.total)
      if (part.total !== bytes.length || part.offset !== filled || part.bytes.length === 0)
        throw new InfernetError('wire.malformed', { field: 'offset' })
      if (filled + part.bytes.length > bytes.length) throw new InfernetError('models.seeder-flood')
      bytes.set(part.bytes, filled)
      filled += part.bytes.length
      if (filled < bytes.length) continue
      await frames.close()
      return bytes
    }
  } catch (thrown) {
    frames.abort(thrown)
    throw thrown
  }
}
