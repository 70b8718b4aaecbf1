import type { Stream } from '@libp2p/interface'
import { encode } from '#shared/wire/codec.ts'

/** In one write. */
const FRAMES = 2000
/** For what was written to leave, and for the other side's word to come. */
const PAUSE_MS = 5

/** A message as it travels, of less than 16 KiB. */
export function framed(body: Uint8Array): Uint8Array {
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return Uint8Array.from([...length, ...body])
}

/**
 * Sends one small frame over and over, as fast as the stream takes it, until the stream or the signal ends. Gives the
 * bytes that were sent.
 */
export async function flood(stream: Stream, frame: unknown, signal: AbortSignal): Promise<number> {
  const one = framed(encode(frame))
  const many = new Uint8Array(one.length * FRAMES)
  for (let i = 0; i < FRAMES; i++) many.set(one, i * one.length)
  let bytes = 0
  while (!signal.aborted && stream.status === 'open' && stream.writeStatus === 'writable') {
    // A stranger does not wait until it is asked to go on; only its own memory is to last.
    if (stream.writeBufferLength < 4 * many.length) {
      stream.send(many)
      bytes += many.length
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  return bytes
}
