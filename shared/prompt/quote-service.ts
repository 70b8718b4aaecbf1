import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../base/clock.ts'
import { peerName } from '../base/ids.ts'
import { errorToMessage } from '../errors/error-message.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import { quoteRequestSchema } from './messages.ts'
import type { QuoteDesk } from './quote-desk.ts'

/** The provider's side of the prompt protocol: one question and one answer a stream. */
export function createQuoteHandler({ clock, desk }: { clock: Clock; desk: QuoteDesk }) {
  return async (stream: Stream, connection: Connection): Promise<void> => {
    const frames = new FramedStream(stream, quoteRequestSchema, clock)
    try {
      const request = await frames.receive()
      const consumer = peerName(connection.remotePeer.toString())
      const reply = await desk.quote(consumer, request).then(
        (quote) => ({ type: 'quoted', quote }),
        (refused: unknown) => ({ type: 'refused', error: errorToMessage(refused) }),
      )
      await frames.send(reply)
      await frames.close()
    } catch (thrown) {
      frames.abort(thrown)
    }
  }
}
