import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { baseUnits } from '#shared/base/units.ts'
import type { CheckBy, CheckEvent, CheckReport } from '#shared/peer/check-events.ts'
import type { Payee, Peer } from '#shared/peer/peer.ts'
import { makeBinding } from '#shared/settle/binding.ts'
import { createChainSigner, type ChainSigner } from '#shared/settle/chain-signature.ts'
import { MemoryLedgerStore } from '#shared/settle/ledger-store.ts'
import { PayeeCredit } from '#shared/settle/payee-credit.ts'
import { PayeeLedger } from '#shared/settle/payee-ledger.ts'
import { verifyTranscript, type Transcript } from '#shared/stream/transcript.ts'
import { FakeChain } from '#shared/testing/fake-chain.ts'
import {
  ESCROW,
  operatorKey,
  PAYER,
  PAYMENT,
  purseOver,
  sessionKey,
  STAKE,
} from '#shared/testing/payments.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { OPENINGS_PROTOCOL } from '#shared/verify/openings/constants.ts'
import { committedPositions } from '#shared/verify/openings/read-openings.ts'
import { requestOpenings } from '#shared/verify/openings/request-openings.ts'
import { shownToVerifier } from '#shared/verify/service/check-case.ts'
import { MAX_CHECK_FRAME_BYTES, VERIFY_PROTOCOL } from '#shared/verify/service/constants.ts'
import { askerFrameSchema } from '#shared/verify/service/messages.ts'
import { FramedStream } from '#shared/wire/framed-stream.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import {
  fakeEngine,
  hear,
  OWN_SOCKET,
  promptOf,
  TERMS,
  TestNetwork,
  type TestPeerNode,
} from './test-network.ts'

/** Three tokens of the prompt and eighty of the answer, but for the last one. */
const COST = 82n
const HOUR = 3_600_000
const otherKey = createChainSigner(new Uint8Array(32).fill(7))

async function check(peer: Peer, transcript: Transcript, by: Partial<CheckBy> = {}) {
  const events: CheckEvent[] = []
  let report: CheckReport | undefined
  for await (const event of peer.check(transcript, { by: 'peer', profile: 'fp32', ...by } as CheckBy)) {
    events.push(event)
    if (event.type === 'done') report = event.report
  }
  return { events, report }
}

describe('a check that is paid', () => {
  let network: TestNetwork
  let relay: Relay
  let chain: FakeChain
  beforeEach(async () => {
    network = new TestNetwork()
    relay = await network.relay()
    chain = new FakeChain()
    chain.deposit(PAYER, 100_000n)
    chain.authorize(PAYER, sessionKey.address, 50_000n, realClock.now() + HOUR)
  })
  afterEach(() => network[Symbol.asyncDispose]())

  const asker = (purse = purseOver(new MemoryLedgerStore(), chain)): Promise<TestPeerNode> =>
    network.node({ relays: relay.addresses, payer: purse })
  const free = async (): Promise<TestPeerNode> => {
    const node = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses })
    const provision = node.peer.provide(fakeEngine(), { ...TERMS, price: pricePerToken(0n, 0n) })
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { ...node, stop: () => provision.stop() }
  }
  const paid = async (
    signer: ChainSigner = operatorKey,
    { isSlow = false } = {},
  ): Promise<TestPeerNode & { ledger: PayeeLedger }> => {
    const ledger = await PayeeLedger.load(new MemoryLedgerStore(), ESCROW, signer.address)
    const credit = new PayeeCredit({ clock: realClock, escrow: ESCROW, chain, ledger, signer })
    const payee = async (key: Parameters<typeof makeBinding>[0]): Promise<Payee> => {
      const terms = { chainId: ESCROW.chainId, stake: STAKE, operator: signer.address }
      return {
        payment: { ...PAYMENT, operator: signer.address, binding: await makeBinding(key, terms) },
        credit,
      }
    }
    const node = await network.node({ listen: [OWN_SOCKET], relays: relay.addresses, payee })
    // A claim of more than is credible counts for nothing: who says that it is slow is asked last.
    const speeds = { prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
    const provision = node.peer.provide(fakeEngine(isSlow ? { info: speeds } : {}), TERMS)
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return { ...node, ledger }
  }
  const answered = async (peer: Peer, prompt = promptOf()): Promise<Transcript> => {
    const { events } = await hear(peer, prompt)
    const [transcript] = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    if (!transcript) throw new Error('nothing proves the answer')
    return transcript
  }

  it('costs the price of reading, and is estimated so before', async () => {
    await free()
    const { peer } = await asker()
    const transcript = await answered(peer)
    const verifier = await paid()
    const { report, events } = await check(peer, transcript)
    expect(report).toMatchObject({ cost: COST, spent: COST, verdict: { outcome: 'agrees', cost: COST } })
    expect(events.find(({ type }) => type === 'asked')).toMatchObject({ cost: COST })
    expect(verifier.ledger.unclaimedOf(PAYER, 0)).toBe(COST)
  })

  it('shows a verifier nothing by which it could have the sketches opened itself, and copy them', async () => {
    const wrote = await paid()
    const { peer } = await asker()
    const transcript = await answered(peer)
    const verifier = await paid(otherKey)
    const openFor = async (who: TestPeerNode, held: Transcript) => {
      const proven = await verifyTranscript(held)
      const stream = await who.node.dialProtocol(wrote.node.getMultiaddrs(), OPENINGS_PROTOCOL)
      const asked = { transcript: held, proven, positions: committedPositions(proven) }
      return requestOpenings(stream, asked, { clock: realClock })
    }
    await expect(openFor(verifier, shownToVerifier(transcript))).rejects.toMatchObject({
      code: 'verify.not-kept',
    })
    expect((await openFor(verifier, transcript)).opened).toHaveLength(80)
    expect((await check(peer, transcript)).report).toMatchObject({
      shown: 'opened',
      verdict: { outcome: 'agrees' },
    })
  })

  it('is not made by another node of the operator who is paid for the answer', async () => {
    await paid()
    const { peer } = await asker()
    const transcript = await answered(peer)
    const twin = await paid()
    await expect(check(peer, transcript)).rejects.toMatchObject({ code: 'verify.no-verifier' })
    expect(twin.ledger.unclaimedOf(PAYER, 0)).toBe(0n)
    await paid(otherKey)
    const { report } = await check(peer, transcript)
    expect(report).toMatchObject({ cost: COST, verdict: { outcome: 'agrees' } })
  })

  it('is not asked for beyond its price, nor without a purse, nor with an empty one', async () => {
    await free()
    const { peer } = await asker()
    const transcript = await answered(peer)
    const verifier = await paid()
    const cheap = check(peer, transcript, { maxCost: baseUnits(COST - 1n) })
    await expect(cheap).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    const poor = check(peer, transcript, { payer: undefined })
    await expect(poor).rejects.toMatchObject({ code: 'payment.required' })
    const empty = purseOver(new MemoryLedgerStore(), new FakeChain())
    await expect(check(peer, transcript, { payer: empty })).rejects.toMatchObject({
      code: expect.stringMatching(/^payment\./) as string,
    })
    expect(verifier.ledger.unclaimedOf(PAYER, 0)).toBe(0n)
  })

  it('is paid once more where a verifier takes its price and says nothing, within the same limit', async () => {
    await free()
    const { peer } = await asker()
    const transcript = await answered(peer)
    const thief = await paid()
    await thief.node.handle(VERIFY_PROTOCOL, takeAndLeave, { force: true })
    await paid(otherKey, { isSlow: true })
    const within = check(peer, transcript, { maxCost: baseUnits(2n * COST - 1n) })
    await expect(within).rejects.toMatchObject({ code: 'prompt.price-too-high' })
    // Somebody who has not met the thief yet.
    const { report } = await check((await asker()).peer, transcript, { maxCost: baseUnits(2n * COST) })
    expect(report).toMatchObject({ cost: COST, spent: 2n * COST, verdict: { outcome: 'agrees' } })
  })
})

/** Says that it has read, and goes. */
async function takeAndLeave(stream: Stream): Promise<void> {
  const frames = new FramedStream(stream, askerFrameSchema, realClock, {
    maxFrameBytes: MAX_CHECK_FRAME_BYTES,
  })
  await frames.receive()
  await frames.send({ type: 'committed', commitment: new Uint8Array(32) })
  await frames.close()
}
