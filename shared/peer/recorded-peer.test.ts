import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../base/bytes.ts'
import { peerName } from '../base/ids.ts'
import { epochMillis } from '../base/units.ts'
import { quoteReplySchema, quoteRequestSchema } from '../prompt/messages.ts'
import { openQuote } from '../prompt/quote.ts'
import { directoryReplySchema, directoryRequestSchema, offerGossipSchema } from '../schedule/messages.ts'
import { openOffer } from '../schedule/offer.ts'
import { leaveReplySchema, leaveRequestSchema } from '../settle/claim-messages.ts'
import { consumerFrameSchema, providerFrameSchema } from '../stream/messages.ts'
import { readOpen } from '../stream/open-job.ts'
import { decodeTranscripts, verifyTranscript } from '../stream/transcript.ts'
import { recordPeer, type RecordedPeer } from '../testing/record-peer.ts'
import { decode } from '../wire/codec.ts'
import { VERSIONS } from '../wire/versions.ts'

/** `INFERNET_RECORD=1` writes the recording of a new version, once; the old ones are never written again. */
const path = new URL(`../testing/recorded/stream-${VERSIONS.protocol.stream}.json`, import.meta.url)
if (process.env['INFERNET_RECORD'] && !existsSync(path))
  writeFileSync(path, `${JSON.stringify(await recordPeer(), null, 2)}\n`)

const recorded = JSON.parse(readFileSync(path, 'utf8')) as RecordedPeer
const { said } = recorded
const read = <Schema extends v.GenericSchema>(schema: Schema, hex: string): v.InferOutput<Schema> =>
  decode(schema, fromHex(hex))
const provider = peerName(recorded.provider)
const consumer = peerName(recorded.consumer)

describe('a peer that was recorded with this version of the wire', () => {
  it('speaks the versions that stand in the table', () => {
    // A stage that is new since is none that it speaks; those that it speaks stand at the same numbers.
    expect(VERSIONS.protocol).toMatchObject(recorded.protocol)
  })

  it('is understood in every message of a paid job', async () => {
    const [opening] = said.consumerFrames.map((frame) => read(consumerFrameSchema, frame))
    if (opening?.type !== 'open') throw new Error('a job begins with its opening')
    expect(readOpen(opening)).toMatchObject({ task: 'text-generation', maxTokens: 100 })
    const types = new Set(said.providerFrames.map((frame) => read(providerFrameSchema, frame).type))
    expect([...types].toSorted()).toEqual(
      ['accepted', 'beat', 'chunk', 'done', 'failed', 'receipt', 'tokens'].toSorted(),
    )
    const asked = new Set(said.consumerFrames.map((frame) => read(consumerFrameSchema, frame).type))
    expect([...asked].toSorted()).toEqual(['ack', 'beat', 'cancel', 'open', 'receipt'])
  })

  it('is understood when it asks for a quote, gives one, offers, and leaves vouchers', async () => {
    expect(read(quoteRequestSchema, said.quoteRequest)).toMatchObject({ promptTokens: 300 })
    const reply = read(quoteReplySchema, said.quoteReply)
    if (reply.type !== 'quoted') throw new Error('it quoted')
    expect(await openQuote(reply.quote, { provider, consumer })).toMatchObject({ consumer })
    expect(said.directoryRequests.map((each) => read(directoryRequestSchema, each).type)).toEqual([
      'announce',
      'query',
      'watch',
      'withdraw',
    ])
    const replies = said.directoryReplies.map((each) => read(directoryReplySchema, each))
    const [signed] = replies.flatMap((each) => (each.type === 'offers' ? each.offers : []))
    const offer = signed && (await openOffer(signed, epochMillis(recorded.recordedAt)))
    expect(offer).toMatchObject({ provider, task: 'text-generation' })
    expect(said.gossip.map((each) => read(offerGossipSchema, each).type)).toEqual(['offer', 'drain'])
    expect(read(leaveRequestSchema, said.leaveRequest).vouchers).toHaveLength(1)
    expect(said.leaveReplies.map((each) => read(leaveReplySchema, each).type)).toEqual(['kept', 'refused'])
  })

  it('proves what it wrote', async () => {
    const [transcript] = decodeTranscripts(fromHex(recorded.transcript))
    const proven = transcript && (await verifyTranscript(transcript))
    expect(proven).toMatchObject({ provider, question: { promptTokens: expect.any(Array) as number[] } })
    expect(proven?.tokens).toHaveLength(70)
  })

  it('says in a new recording what it said in the old one, but for names, keys and times', async () => {
    const now = await recordPeer()
    const typesOf = (frames: readonly string[], schema: v.GenericSchema): string =>
      [...new Set(frames.map((frame) => (read(schema, frame) as { type: string }).type))].toSorted().join()
    expect(typesOf(now.said.consumerFrames, consumerFrameSchema)).toBe(
      typesOf(said.consumerFrames, consumerFrameSchema),
    )
    expect(now.said.quoteRequest).toBe(said.quoteRequest)
    expect(now.said.leaveReplies).toEqual(said.leaveReplies)
  })
})
