import type { Libp2p, StreamHandler } from '@libp2p/interface'

/** A protocol that a node answers. */
export interface AnsweredProtocol {
  readonly protocol: string
  readonly handle: StreamHandler
  /** Streams of it at once, from one connection. */
  readonly maxInboundStreams: number
  /** Also over a relayed connection, which libp2p calls limited and keeps from handlers otherwise. @default false */
  readonly isRelayed?: boolean
}

/**
 * Answers these on the node from now on; what comes back ends all of them. Handlers that a stopped owner may have left on
 * the node are replaced.
 */
export async function answerProtocols(
  node: Pick<Libp2p, 'handle' | 'unhandle'>,
  table: readonly AnsweredProtocol[],
): Promise<() => Promise<void>> {
  for (const { protocol, handle, maxInboundStreams, isRelayed = false } of table)
    await node.handle(protocol, handle, {
      maxInboundStreams,
      force: true,
      ...(isRelayed && { runOnLimitedConnection: true }),
    })
  return () => node.unhandle(table.map(({ protocol }) => protocol))
}
