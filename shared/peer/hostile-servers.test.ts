import type { Stream } from '@libp2p/interface'
import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { concatBytes } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { makeAnswer, type MadeAnswer } from '../testing/answers.ts'
import { ask } from '../testing/check-rig.ts'
import { createFakeEngine } from '../testing/fake-engine.ts'
import { someQuote } from '../testing/payments.ts'
import { connectedStreams, makePeer, someModel, type TestPeer } from '../testing/peers.ts'
import { realClock } from '../testing/real-clock.ts'
import { someVerdict } from '../testing/verdicts.ts'
import { RemoteRecords } from '../verify/board/records-port.ts'
import { committedPositions } from '../verify/openings/read-openings.ts'
import { requestOpenings } from '../verify/openings/request-openings.ts'
import { signOpened, statementBytes } from '../verify/openings/statement.ts'
import { openCase } from '../verify/service/check-case.ts'
import { signVerdict } from '../verify/verdict.ts'
import { encode } from '../wire/codec.ts'

/** What an asker hands a stream to, and what it comes to where nothing is wrong. */
type Asker = (stream: Stream) => Promise<unknown>

function framed(body: Uint8Array): Uint8Array {
  const length = []
  for (let left = body.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left)
    if (left <= 127) break
  }
  return concatBytes(Uint8Array.from(length), body)
}

/** The other end of `handlers.test.ts`: whoever asks, among servers that say anything. */
describe('who asks for verdicts, openings and records', () => {
  let provider: TestPeer
  let verifier: TestPeer
  let answer: MadeAnswer
  let askers: Record<string, Asker>
  let valid: unknown[]
  let unhandled: unknown[]
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)

  beforeAll(async () => {
    ;[provider, verifier] = await Promise.all([makePeer(), makePeer()])
    const engine = createFakeEngine({ clock: realClock, info: { model: someModel() } })
    answer = await makeAnswer(provider, { engine, consumer: verifier.name })
    const { transcript, openings } = answer
    const quote = { ...someQuote(), payment: undefined }
    const opened = await openCase(transcript)
    const positions = committedPositions(opened.proven)
    const asked = { transcript, proven: opened.proven, positions }
    const records = (stream: Stream): RemoteRecords =>
      new RemoteRecords({ clock: realClock, relay: provider.name, openStream: async () => stream })
    askers = {
      verdict: (stream) => ask(stream, verifier, { transcript, openings, clock: realClock, quote }),
      openings: (stream) => requestOpenings(stream, asked, { clock: realClock }),
      'golden records': (stream) => records(stream).findGolden(someModel()),
      verdicts: (stream) => records(stream).findVerdicts(provider.name),
      counts: (stream) => records(stream).count(),
    }
    const verdict = await signVerdict(someVerdict(provider), verifier.key)
    const statement = await signOpened({ link: new Uint8Array(32), positions, openings }, provider.key)
    const none = { agrees: 0, differs: 0, inconclusive: 0 }
    valid = [
      { type: 'waiting', before: 3 },
      { type: 'committed', commitment: new Uint8Array(32) },
      {
        ...{ type: 'verdict', verdict, own: new Uint8Array(40 * 32), margins: new Uint8Array(40 * 8) },
        salt: new Uint8Array(32),
      },
      ...openings.map((opening) => ({ type: 'opening', opening })),
      { type: 'done' },
      { type: 'done', optional: { statement: statementBytes(statement) } },
      { type: 'done', until: 1 },
      { type: 'golden', records: [{ provider: provider.name, golden: verdict }], total: 1 },
      { type: 'verdicts', verdicts: [{ verifier: verifier.name, verdict }] },
      { type: 'counts', all: none, staked: none },
      { type: 'refused', error: { code: 'verify.not-kept', facts: {} } },
      { type: 'refused', error: { code: 'no code of ours', facts: { a: 1 } } },
    ]
  })
  beforeEach(() => {
    unhandled = []
    process.on('unhandledRejection', onUnhandled)
  })
  afterEach(() => {
    process.off('unhandledRejection', onUnhandled)
    expect(unhandled).toEqual([])
  })

  /** A server says this, and is gone. Whoever asked has an answer or a reason, and lets the stream go. */
  const meet = async (name: string, parts: readonly Uint8Array[]): Promise<void> => {
    const { ours, theirs } = await connectedStreams(verifier)
    const asked = askers[name]!(ours).catch((thrown: unknown) => {
      const { code } = InfernetError.from(thrown)
      expect(code, String(thrown)).not.toBe('internal')
    })
    for (const part of parts) if (theirs.writeStatus === 'writable') theirs.send(part)
    await theirs.close().catch(() => undefined)
    theirs.abort(new Error('the server left'))
    await asked
    await expect.poll(() => ours.status).not.toBe('open')
  }

  const names = ['verdict', 'openings', 'golden records', 'verdicts', 'counts']

  it.each(names)('%s: read no frame that says it is larger than any can be', async (name) => {
    const { ours, theirs } = await connectedStreams(verifier)
    const asked = askers[name]!(ours)
    const code = name === 'openings' ? 'verify.bad-openings' : 'wire.too-large'
    const refused = expect(asked).rejects.toMatchObject({ code })
    theirs.send(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)) // 256 MiB, of which nothing comes
    await refused
    await expect.poll(() => ours.status).not.toBe('open')
  })

  it.each(names)('%s: take any bytes for what they are', async (name) => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 120 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(bytes, (parts) => meet(name, parts)),
      { numRuns: 25 },
    )
  })

  it.each(names)('%s: take valid messages of every kind in any order', async (name) => {
    const order = fc.array(fc.nat(valid.length - 1), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(order, (picks) =>
        meet(
          name,
          picks.map((i) => framed(encode(valid[i]))),
        ),
      ),
      { numRuns: 40 },
    )
  })

  it.each(names)('%s: take a valid message with any one byte changed', async (name) => {
    const change = fc.record({ pick: fc.nat(valid.length - 1), at: fc.nat(), to: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(change, ({ pick, at, to }) => {
        const bytes = framed(encode(valid[pick]))
        bytes[at % bytes.length] = to
        return meet(name, [bytes])
      }),
      { numRuns: 40 },
    )
  })
})
