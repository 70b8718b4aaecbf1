import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { fromHex } from '#shared/base/bytes.ts'
import { modelHash, peerName, type JobId } from '#shared/base/ids.ts'
import { PROMPT_PROTOCOL } from '#shared/prompt/constants.ts'
import { requestQuote } from '#shared/prompt/request-quote.ts'
import { STREAM_PROTOCOL } from '#shared/stream/constants.ts'
import { providerFrameSchema } from '#shared/stream/messages.ts'
import { encodeQuestion } from '#shared/stream/question.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { FramedStream } from '#shared/wire/framed-stream.ts'
import type { ProviderAddresses } from '../attack.ts'

/** Of one protocol, over one connection. libp2p's own side would stop a stranger at 64 otherwise. */
const MAX_STREAMS = 1024

/** A job that a provider has taken, and its stream for whatever bytes. */
export interface OpenedJob {
  readonly stream: Stream
  readonly frames: FramedStream<typeof providerFrameSchema>
}

/** A name that asks a provider over a connection of its own, and does with quotes and jobs what it likes. */
export class HostileAsker {
  readonly node: Libp2p
  readonly connection: Connection
  readonly #provider: ProviderAddresses

  private constructor(node: Libp2p, connection: Connection, provider: ProviderAddresses) {
    this.node = node
    this.connection = connection
    this.#provider = provider
  }

  /** Rejects when the provider does not take the connection. */
  static async start(provider: ProviderAddresses, signal: AbortSignal): Promise<HostileAsker> {
    const node = await startLocalNode()
    const address = multiaddr(provider.addresses[0] ?? '')
    const connection = await node.dial(address, { signal })
    return new HostileAsker(node, connection, provider)
  }

  openStream(protocol: string, signal: AbortSignal): Promise<Stream> {
    return this.connection.newStream(protocol, {
      signal,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: true,
    })
  }

  /** Rejects with the provider's refusal. */
  async quote(model: string, signal: AbortSignal): Promise<JobId> {
    const stream = await this.openStream(PROMPT_PROTOCOL, signal)
    const { quote } = await requestQuote(
      stream,
      { model: modelHash(model), promptTokens: 3, maxTokens: 500 },
      {
        clock: realClock,
        provider: peerName(this.#provider.name),
        consumer: peerName(this.node.peerId.toString()),
        signal,
      },
    )
    return quote.quoteId
  }

  /** A free job under a quote of now. Rejects with the provider's refusal of the quote. */
  async open(model: string, signal: AbortSignal): Promise<OpenedJob> {
    const quoteId = await this.quote(model, signal)
    const stream = await this.openStream(STREAM_PROTOCOL, signal)
    const frames = new FramedStream(stream, providerFrameSchema, realClock)
    const question = encodeQuestion({
      ...{ task: 'text-generation', model: modelHash(model), promptTokens: [5, 6, 7], priorTokens: [] },
      ...{ sampler: { temperature: 1, topP: 1 }, maxTokens: 500, seed: null },
      ...{ consumerNonce: realRandom.bytes(32), salt: realRandom.bytes(16) },
    })
    await frames.send({ type: 'open', jobId: realRandom.bytes(16), quoteId: fromHex(quoteId), question })
    return { stream, frames }
  }
}
