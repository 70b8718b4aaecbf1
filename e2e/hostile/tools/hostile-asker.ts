import { setTimeout } from 'node:timers/promises'
import type { Connection, Libp2p, Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { fromHex } from '#shared/base/bytes.ts'
import { modelHash, peerName, type JobId } from '#shared/base/ids.ts'
import { PROMPT_PROTOCOL } from '#shared/prompt/constants.ts'
import { requestQuote } from '#shared/prompt/request-quote.ts'
import { STREAM_PROTOCOL } from '#shared/stream/constants.ts'
import { encodeQuestion } from '#shared/stream/question.ts'
import { startLocalNode, type LocalNodeInit } from '#shared/testing/local-node.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { encode } from '#shared/wire/codec.ts'
import type { ProviderAddresses } from '../attack.ts'
import { framed } from './flood.ts'

/**
 * A dial over WebRTC from Node is closed at once now and then, and libp2p, which does not look at that, waits until its
 * own deadline. One that stands takes a second or two on a busy machine. A provider that many dial at once cuts some.
 */
const DIAL_MS = 4000
const DIALS = 8
const PAUSE_MS = 250

/** Of one protocol, over one connection. libp2p's own side would stop a stranger at 64 otherwise. */
const MAX_STREAMS = 1024

/** All that a stream says that asks for a quote, its protocol included, made once for any number of times. */
export function quoteWords(model: string): Uint8Array {
  const text = new TextEncoder()
  const ask = { type: 'quote', model: fromHex(modelHash(model)), promptTokens: 3, maxTokens: 500 }
  const words = ['/multistream/1.0.0\n', `${PROMPT_PROTOCOL}\n`].map((line) => framed(text.encode(line)))
  return Uint8Array.from([...words, framed(encode(ask))].flatMap((word) => [...word]))
}

/** A name that asks a provider over a connection of its own, and does with quotes and jobs what it likes. */
export class HostileAsker {
  readonly node: Libp2p
  readonly #provider: ProviderAddresses
  #connection: Connection
  #dials = 1

  private constructor(node: Libp2p, connection: Connection, provider: ProviderAddresses) {
    this.node = node
    this.#connection = connection
    this.#provider = provider
  }

  get connection(): Connection {
    return this.#connection
  }

  /** Sockets that it has opened. */
  get dials(): number {
    return this.#dials
  }

  /** Comes back where its connection was cut. */
  async return(signal: AbortSignal): Promise<void> {
    if (this.#connection.status === 'open') return
    this.#connection = await dialAgain(this.node, this.#provider, signal)
    this.#dials++
  }

  /**
   * Dials the first of the addresses. Rejects when the provider does not take the connection.
   *
   * @param transports besides WebSockets
   */
  static async start(
    provider: ProviderAddresses,
    signal: AbortSignal,
    transports: LocalNodeInit['transports'] = [],
  ): Promise<HostileAsker> {
    const node = await startLocalNode({ transports })
    return new HostileAsker(node, await dialAgain(node, provider, signal), provider)
  }

  openStream(protocol: string, signal: AbortSignal): Promise<Stream> {
    return this.connection.newStream(protocol, {
      signal,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: true,
    })
  }

  /**
   * Sends words of {@link quoteWords} over a stream of its own, waits for nothing and reads no answer. Rejects when the
   * connection is gone.
   */
  async send(words: Uint8Array): Promise<void> {
    // libp2p's own way waits until the other side agrees to the protocol.
    const { muxer } = this.#connection as unknown as { readonly muxer: StreamMuxer }
    const stream = await muxer.createStream()
    stream.addEventListener('message', () => undefined)
    stream.send(words)
    await stream.close()
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

  /**
   * The stream of a free job under a quote of now, for whatever bytes; what comes back is thrown away. Rejects with the
   * provider's refusal of the quote.
   */
  async open(model: string, signal: AbortSignal): Promise<Stream> {
    const quoteId = await this.quote(model, signal)
    const stream = await this.openStream(STREAM_PROTOCOL, signal)
    const question = encodeQuestion({
      ...{ task: 'text-generation', model: modelHash(model), promptTokens: [5, 6, 7], priorTokens: [] },
      ...{ sampler: { temperature: 1, topP: 1 }, maxTokens: 500, seed: null },
      ...{ consumerNonce: realRandom.bytes(32), salt: realRandom.bytes(16) },
    })
    stream.addEventListener('message', () => undefined)
    const open = { type: 'open', jobId: realRandom.bytes(16), quoteId: fromHex(quoteId), question }
    stream.send(framed(encode(open)))
    return stream
  }
}

/** Whoever is hostile does not give up at the first dial. */
async function dialAgain(
  node: Libp2p,
  { addresses: [first = ''] }: ProviderAddresses,
  signal: AbortSignal,
): Promise<Connection> {
  for (let dial = 1; ; dial++) {
    try {
      return await node.dial(multiaddr(first), {
        signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]),
      })
    } catch (thrown) {
      if (signal.aborted || dial >= DIALS) throw thrown
      await setTimeout(PAUSE_MS)
    }
  }
}
