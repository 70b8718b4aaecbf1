import { describe, expect, it } from 'vitest'

/** As much of a data channel as a stream looks at. */
class Channel extends EventTarget {
  readonly id = 1
  readonly readyState = 'open'
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  onbufferedamountlow: (() => void) | undefined
  readonly sent: Uint8Array[] = []

  send(message: Uint8Array): void {
    this.sent.push(message.slice()) // as a channel does: the sender may use its buffer again at once
    this.bufferedAmount += message.length
  }
}

interface SentStream {
  send(data: Uint8Array): boolean
  addEventListener(type: 'drain', listener: () => void): void
}
interface StreamModule {
  readonly createStream: (options: object) => SentStream
}
interface MessageModule {
  Message: { encode(message: { message: Uint8Array }): Uint8Array }
}

const log = Object.assign(() => undefined, {
  trace: () => undefined,
  error: () => undefined,
  newScope: () => log,
})

/** Files of the package that it does not export. */
function inside<Module>(path: string): Promise<Module> {
  const file = new URL(`../node_modules/@libp2p/webrtc/dist/src/${path}`, import.meta.url).href
  return import(file) as Promise<Module>
}

describe('the patched stream over a data channel', () => {
  const open = async () => {
    const channel = new Channel()
    const { createStream } = await inside<StreamModule>('stream.js')
    const sizes = { maxMessageSize: 64 * 1024, maxBufferedAmount: 256 * 1024 }
    return { channel, stream: createStream({ ...sizes, channel, direction: 'outbound', log }) }
  }

  it.each([1, 127, 128, 16_383, 60 * 1024, 200_000])(
    'sends %d bytes as the library does, each part as one message',
    async (count) => {
      const { Message } = await inside<MessageModule>('private-to-public/pb/message.js')
      const { channel, stream } = await open()
      const bytes = Uint8Array.from({ length: count }, (_, i) => i * 7)
      stream.send(bytes)
      let at = 0
      for (const message of channel.sent) {
        expect(message.length).toBeLessThanOrEqual(64 * 1024)
        const { value: length, end } = readVarint(message, 0)
        const body = message.subarray(end)
        expect(body.length).toBe(length)
        const size = readVarint(body, 1).value // after the tag
        const expected = Message.encode({ message: bytes.subarray(at, at + size) })
        expect(Buffer.from(body).equals(expected)).toBe(true)
        at += size
      }
      expect(at).toBe(count)
    },
  )

  it('asks for more at half of what may wait, before the channel is dry', async () => {
    const { channel, stream } = await open()
    let drains = 0
    stream.addEventListener('drain', () => drains++)
    expect(stream.send(new Uint8Array(300 * 1024))).toBe(false)
    expect(channel.bufferedAmountLowThreshold).toBe(128 * 1024)
    channel.bufferedAmount = channel.bufferedAmountLowThreshold
    channel.onbufferedamountlow?.()
    expect(drains).toBe(1)
  })
})

function readVarint(bytes: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let at = from, factor = 1; ; at++, factor *= 128) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, end: at + 1 }
  }
}
