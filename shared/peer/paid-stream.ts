import type { Connection, Stream } from '@libp2p/interface'
import { InfernetError } from '../errors/infernet-error.ts'
import type { OutgoingCredit } from '../stream/credit.ts'
import { openStream, type ConnectComponents } from './connect.ts'

export interface PaidStream {
  readonly stream: Stream
  /** Undefined for what costs nothing, or where nobody pays. */
  readonly credit: OutgoingCredit | undefined
}

/**
 * Opens what pays for a request, and then the stream for it. In this order: credit asks the chain, which may take
 * seconds, and the other side waits one second for the first frame of a stream (`SILENT_OPENING_MS`). Where the stream does
 * not open, the provider was never asked: what was prepaid is left over.
 *
 * @throws what `openCredit` throws; as `openStream`
 */
export async function openPaidStream(
  components: Pick<ConnectComponents, 'clock'>,
  connection: Connection,
  protocol: string,
  {
    openCredit,
    signal,
  }: {
    readonly openCredit: () => Promise<OutgoingCredit | undefined>
    readonly signal: AbortSignal | undefined
  },
): Promise<PaidStream> {
  const credit = await openCredit()
  try {
    return { stream: await openStream(components, connection, protocol, { signal }), credit }
  } catch (thrown) {
    credit?.notAccepted(InfernetError.from(thrown).code)
    throw thrown
  }
}
