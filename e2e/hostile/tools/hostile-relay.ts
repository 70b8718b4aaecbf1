import type { Stream } from '@libp2p/interface'
import type { ModelHash } from '#shared/base/ids.ts'
import type { SignedOffer } from '#shared/schedule/offer.ts'
import { MAX_DIRECTORY_STREAMS, SCHEDULE_PROTOCOL } from '#shared/schedule/constants.ts'
import { directoryRequestSchema } from '#shared/schedule/messages.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { answerProtocols } from '#shared/wire/answer-protocols.ts'
import { FramedStream } from '#shared/wire/framed-stream.ts'
import { OWN_SOCKET } from '../../peers/test-network.ts'

/** What it names to one who asks, and how many it claims to know; it may take its time. */
export type NameOffers = (model: ModelHash | null) => Promise<readonly SignedOffer[]>

/**
 * A relay in this process that keeps no directory: it names what it likes, and agrees to all else. Gives its multiaddr; it
 * ends with the process.
 */
export async function startHostileRelay(nameOffers: NameOffers): Promise<string> {
  const node = await startLocalNode({ listen: [OWN_SOCKET] })
  const handle = async (stream: Stream): Promise<void> => {
    const frames = new FramedStream(stream, directoryRequestSchema, realClock)
    try {
      for (;;) {
        const request = await frames.receive({ deadlineMs: 600_000 })
        const { id } = request
        if (request.type !== 'query') await frames.send({ type: 'done', id, until: realClock.now() })
        else
          void nameOffers(request.model)
            .then((offers) => frames.send({ type: 'offers', id, offers, total: offers.length + 1 }))
            .catch(() => undefined)
      }
    } catch (thrown) {
      frames.abort(thrown)
    }
  }
  await answerProtocols(node, [
    { protocol: SCHEDULE_PROTOCOL, handle, maxInboundStreams: MAX_DIRECTORY_STREAMS },
  ])
  const [address] = node.getMultiaddrs()
  if (!address) throw new Error('the node listens nowhere')
  return address.toString()
}
