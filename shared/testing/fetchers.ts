import { MIB } from '../base/units.ts'
import { seederMessageSchema, type SeederMessage } from '../models/pieces/messages.ts'
import type { PiecesService } from '../models/pieces/pieces-service.ts'
import { FramedStream } from '../wire/framed-stream.ts'
import type { FakeClock } from './fake-clock.ts'
import { connectedStreams, makePeer, type TestPeer } from './peers.ts'

/** Somebody who fetches by hand, and what was said to it. */
export interface Fetcher {
  readonly peer: TestPeer
  readonly heard: SeederMessage[]
  readonly isClosed: () => boolean
  say(message: unknown): Promise<void>
  leave(): void
  /** Bytes of pieces that came. */
  bytes(): number
}

/** Opens a stream to a service and says `first`. @param peer who asks; somebody new where it is not told */
export async function openFetcher(
  { service, clock }: { readonly service: PiecesService; readonly clock: FakeClock },
  first: unknown,
  peer?: TestPeer,
): Promise<Fetcher> {
  const who = peer ?? (await makePeer())
  const { ours, theirs, connection } = await connectedStreams(who)
  void service.handle(theirs, connection)
  const frames = new FramedStream(ours, seederMessageSchema, clock, { maxUnreadBytes: 8 * MIB })
  const heard: SeederMessage[] = []
  let isClosed = false
  const listen = async (): Promise<void> => {
    for (;;) heard.push(await frames.receive({ deadlineMs: 80_000_000 }))
  }
  listen().catch(() => (isClosed = true))
  await frames.send(first)
  await clock.advance(1)
  return {
    peer: who,
    heard,
    isClosed: () => isClosed,
    say: (said) => frames.send(said),
    leave: () => frames.abort(new Error('gone')),
    bytes: () => heard.reduce((sum, said) => sum + (said.type === 'data' ? said.bytes.length : 0), 0),
  }
}
