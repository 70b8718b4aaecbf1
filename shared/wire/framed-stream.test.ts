import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import fc from 'fast-check'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { concatBytes } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { realClock } from '../testing/real-clock.ts'
import { encode } from './codec.ts'
import { FramedStream, type FramedStreamInit } from './framed-stream.ts'
import { ANSWER_DEADLINE_MS, MAX_FRAME_BYTES, MAX_READ_BUFFER_BYTES, WRITE_DEADLINE_MS } from './limits.ts'

const schema = v.strictObject({ n: v.number(), pad: v.optional(v.instance(Uint8Array)) })
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The bytes of a frame around `body`. */
function framed(body: Uint8Array): Uint8Array {
  const prefix: number[] = []
  for (let rest = body.length; ; rest >>>= 7) {
    prefix.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    if (rest <= 0x7f) return concatBytes(Uint8Array.from(prefix), body)
  }
}

describe('FramedStream', () => {
  let ours: Stream
  let theirs: Stream
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  const reader = (init: FramedStreamInit = {}, clock: FakeClock | typeof realClock = realClock) =>
    new FramedStream(ours, schema, clock, init)
  const writer = (init: FramedStreamInit = {}) => new FramedStream(theirs, schema, realClock, init)

  beforeEach(async () => {
    ;[ours, theirs] = await streamPair()
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
  })
  afterEach(async () => {
    ours.abort(new Error('over'))
    theirs.abort(new Error('over'))
    await pause(5)
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  it('brings messages in the order they were sent, both ways', async () => {
    const [a, b] = [reader(), writer()]
    for (let n = 0; n < 50; n++) {
      await b.send({ n })
      await a.send({ n: -n - 1 })
    }
    for (let n = 0; n < 50; n++) {
      expect(await a.receive()).toEqual({ n })
      expect(await b.receive()).toEqual({ n: -n - 1 })
    }
  })

  it('brings them however the network cuts them', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 })
    const paddings = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, paddings, async (cuts, pads) => {
        const [to, from] = await streamPair({ delay: 0 })
        const messages = pads.map((length, n) => ({ n, pad: new Uint8Array(length).fill(n) }))
        const bytes = concatBytes(...messages.map((message) => framed(encode(message))))
        const frames = new FramedStream(to, schema, realClock)
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length] ?? 1
          from.send(bytes.subarray(at, at + size))
          at += size
        }
        for (const message of messages) expect(await frames.receive()).toEqual(message)
        frames.abort(new Error('over'))
      }),
      { numRuns: 15 },
    )
  })

  it('carries a frame of the largest size and no larger one, in either direction', async () => {
    const small = 64
    const pad = new Uint8Array(small - encode({ n: 1, pad: new Uint8Array(30) }).length + 30)
    expect(encode({ n: 1, pad })).toHaveLength(small)
    const [a, b] = [reader({ maxFrameBytes: small }), writer({ maxFrameBytes: small })]
    await b.send({ n: 1, pad })
    expect(await a.receive()).toEqual({ n: 1, pad })
    const larger = { n: 1, pad: new Uint8Array(pad.length + 1) }
    await expect(b.send(larger)).rejects.toMatchObject({ code: 'wire.too-large', facts: { maxBytes: small } })
    theirs.send(framed(encode(larger)))
    await expect(a.receive()).rejects.toMatchObject({ code: 'wire.too-large', facts: { maxBytes: small } })
  })

  it('refuses a frame above the limit by its length alone, before its bytes have come', async () => {
    theirs.send(framed(new Uint8Array(MAX_FRAME_BYTES + 1)).subarray(0, 3))
    await expect(reader().receive()).rejects.toMatchObject({ code: 'wire.too-large' })
  })

  it.each([
    ['a length that never ends', new Uint8Array(100).fill(0xff)],
    ['a length in more bytes than it needs', Uint8Array.of(0x81, 0x00, 0xa0)],
    ['an empty frame', Uint8Array.of(0x00)],
    ['a frame that is no CBOR', Uint8Array.of(0x01, 0xff)],
    ['a frame with bytes after its message', framed(concatBytes(encode({ n: 1 }), Uint8Array.of(0)))],
    ['a message of another form', framed(encode({ m: 1 }))],
    ['a message with a field too many', framed(encode({ n: 1, m: 1 }))],
  ])('refuses %s', async (_, bytes) => {
    theirs.send(bytes)
    await expect(reader().receive()).rejects.toMatchObject({ code: 'wire.malformed' })
  })

  it('asks for no fifth byte of a length', async () => {
    const frames = reader()
    theirs.send(new Uint8Array(4).fill(0xff))
    await expect(frames.receive({ deadlineMs: 2000 })).rejects.toMatchObject({ code: 'wire.malformed' })
  })

  it.each([
    ['before a frame', 0],
    ['in a length', 1],
    ['in a frame', 40],
  ])('tells a stream that ended %s from a message', async (_, length) => {
    const bytes = framed(encode({ n: 1, pad: new Uint8Array(200) })).subarray(0, length)
    if (length > 0) theirs.send(bytes)
    const receiving = reader().receive()
    void theirs.close()
    await expect(receiving).rejects.toMatchObject({ code: 'wire.closed' })
  })

  it('tells a stream that was cut', async () => {
    const receiving = reader().receive()
    theirs.abort(new Error('gone'))
    await expect(receiving).rejects.toMatchObject({ code: 'wire.closed' })
  })

  it('gives what came before the end first', async () => {
    const frames = reader()
    theirs.send(concatBytes(framed(encode({ n: 1 })), framed(encode({ n: 2 }))))
    await theirs.close()
    expect(await frames.receive()).toEqual({ n: 1 })
    expect(await frames.receive()).toEqual({ n: 2 })
    await expect(frames.receive()).rejects.toMatchObject({ code: 'wire.closed' })
  })

  it('waits for an answer no longer than its deadline', async () => {
    const clock = new FakeClock()
    const frames = reader({}, clock)
    const receiving = frames.receive()
    receiving.catch(() => undefined)
    await clock.advance(ANSWER_DEADLINE_MS)
    await expect(receiving).rejects.toMatchObject({
      code: 'wire.timeout',
      facts: { limitMs: ANSWER_DEADLINE_MS },
    })
    theirs.send(framed(encode({ n: 3 })))
    expect(await reader().receive()).toEqual({ n: 3 })
  })

  it('ends a wait with the reason of the signal', async () => {
    const controller = new AbortController()
    const receiving = reader().receive({ signal: controller.signal })
    controller.abort(new InfernetError('stream.cancelled'))
    await expect(receiving).rejects.toMatchObject({ code: 'stream.cancelled' })
    await expect(reader().send({ n: 1 }, { signal: controller.signal })).rejects.toMatchObject({
      code: 'stream.cancelled',
    })
  })

  it('gives up on a reader who does not read', async () => {
    const clock = new FakeClock()
    const frames = new FramedStream(ours, schema, clock)
    ours.send = () => false // the buffer is full, and nobody empties it
    const sending = frames.send({ n: 1 })
    sending.catch(() => undefined)
    await clock.advance(WRITE_DEADLINE_MS - 1)
    await clock.advance(1)
    await expect(sending).rejects.toMatchObject({ code: 'stream.slow-reader' })
  })

  it('goes on when the reader drains in time', async () => {
    const frames = reader()
    const send = ours.send.bind(ours)
    ours.send = (bytes) => {
      send(bytes)
      return false
    }
    const sending = frames.send({ n: 1 })
    await pause(5)
    ours.dispatchEvent(new Event('drain'))
    await sending
    expect(await writer().receive()).toEqual({ n: 1 })
  })

  it('names a stream that is gone when it should take a message', async () => {
    const frames = reader()
    ours.abort(new Error('gone'))
    await expect(frames.send({ n: 1 })).rejects.toMatchObject({ code: 'wire.closed' })
    ;[ours, theirs] = await streamPair()
    const other = reader()
    ours.send = () => false
    const sending = other.send({ n: 1 })
    sending.catch(() => undefined)
    await pause(5)
    ours.abort(new Error('gone'))
    await expect(sending).rejects.toMatchObject({ code: 'wire.closed' })
  })

  it('holds no more unread bytes than its bound', async () => {
    const frames = reader()
    const flood = new Uint8Array(32 * 1024)
    for (let sent = 0; sent <= 2 * MAX_READ_BUFFER_BYTES && theirs.status === 'open'; sent += flood.length) {
      theirs.send(flood)
      await pause(2)
    }
    await expect.poll(() => ours.status).not.toBe('open')
    await expect(frames.receive()).rejects.toMatchObject({ code: 'wire.too-large' })
  })

  it('closes in peace: the other side may still speak', async () => {
    const [a, b] = [reader(), writer()]
    await a.close()
    await expect(b.receive()).rejects.toMatchObject({ code: 'wire.closed' })
    await b.send({ n: 7 })
    expect(await a.receive()).toEqual({ n: 7 })
    await a.close()
  })

  it('finishes in peace with one who ends too, and cuts one who goes on or does not end', async () => {
    const finishing = reader().finish()
    await writer().close()
    await finishing
    expect([ours.status, theirs.status]).toEqual(['closed', 'closed'])

    ;[ours, theirs] = await streamPair()
    const cut = reader().finish()
    await writer().send({ n: 1 })
    await cut
    expect(ours.status).toBe('aborted')

    ;[ours, theirs] = await streamPair()
    const clock = new FakeClock()
    const waiting = reader({}, clock).finish()
    await pause(5)
    await clock.advance(ANSWER_DEADLINE_MS)
    await waiting
    expect(ours.status).toBe('aborted')
  })

  it('cuts both sides at once, as often as it is told to', async () => {
    const [a, b] = [reader(), writer()]
    a.abort('any reason')
    a.abort(undefined)
    expect(a.isOpen).toBe(false)
    await expect(b.receive()).rejects.toMatchObject({ code: 'wire.closed' })
    await expect(a.receive()).rejects.toMatchObject({ name: 'InfernetError' })
    await a.close()
  })

  it('calls back once when the stream closes, also when it was closed before', async () => {
    let count = 0
    const frames = reader()
    frames.onClose(() => count++)
    theirs.abort(new Error('gone'))
    await expect.poll(() => count).toBe(1)
    frames.onClose(() => count++)
    expect(count).toBe(2)
  })

  it('gives an error of ours for any bytes, and is never left open by who aborts on it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const [to, from] = await streamPair({ delay: 0 })
        const frames = new FramedStream(to, schema, realClock)
        from.send(bytes)
        await from.close()
        try {
          for (;;) await frames.receive({ deadlineMs: 1000 })
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(InfernetError)
          frames.abort(thrown)
        }
        expect(to.status).not.toBe('open')
      }),
      { numRuns: 150 },
    )
  })
})
