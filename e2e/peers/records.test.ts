import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jobId, peerName } from '#shared/base/ids.ts'
import type { Golden } from '#shared/engine/golden.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { someVerdict } from '#shared/testing/verdicts.ts'
import { findGolden, findVerdicts } from '#shared/verify/board/find-records.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { goldenDistance, openGolden } from '#shared/verify/golden/golden-sketches.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { until } from '../../relay/testing/fixtures.ts'
import { fakeEngine, MODEL, OWN_SOCKET, TERMS, TestNetwork, type TestPeerNode } from './test-network.ts'

const GOLDEN: Golden = {
  format: 'infernet/golden/1',
  cases: [
    { prompt: [5, 6, 7], tokens: [11, 12, 13] },
    { prompt: [8, 9], tokens: [14, 15] },
  ],
}

describe('golden records and verdicts at relays', () => {
  const network = new TestNetwork()
  let relays: Relay[]
  let provider: TestPeerNode
  let reader: TestPeerNode
  const now = () => realClock.now()

  const portsOf = (who: TestPeerNode): readonly RecordsPort[] =>
    recordRegistersOf(who.node, realClock, who.joined).registers.map(({ port }) => port)
  const goldenAt = (who: TestPeerNode) => findGolden(portsOf(who), MODEL, { now, open: openGolden })
  const provide = async (at: readonly Relay[]): Promise<TestPeerNode> => {
    const who = await network.node({ listen: [OWN_SOCKET], relays: at.flatMap(({ addresses }) => addresses) })
    const engine = fakeEngine()
    const provision = who.peer.provide(engine, { ...TERMS, golden: () => GOLDEN })
    await until('the offer is accepted', () => provision.offerAcceptedAt !== undefined)
    return who
  }

  beforeAll(async () => {
    relays = [await network.relay(), await network.relay()]
    provider = await provide(relays)
    reader = await network.node({ relays: relays.flatMap(({ addresses }) => addresses) })
  }, 60_000)
  afterAll(() => network[Symbol.asyncDispose]())

  it('a provider’s golden record is found by another peer, at each relay that the provider joined', async () => {
    await until('both relays have it', async () => {
      const found = await Promise.all(portsOf(reader).map((port) => port.findGolden(MODEL)))
      return found.length === 2 && found.every((records) => records.length === 1)
    })
    const [found] = await goldenAt(reader)
    expect(found).toMatchObject({
      provider: provider.node.peerId.toString(),
      golden: { model: MODEL, class: { backend: 'wasm', adapter: 'fake' } },
      staked: undefined,
    })
    // Two machines alike are one: so far apart their records say that they lie.
    const other = await provide(relays.slice(0, 1))
    await until('it is there too', async () => (await goldenAt(reader)).length === 2)
    const [one, two] = await goldenAt(reader)
    expect(one && two && goldenDistance(one.golden, two.golden)).toMatchObject({ mean: 0 })
    await other.stop()
  })

  it('a verdict about it is published at a relay and read by another peer', async () => {
    const about = { name: peerName(provider.node.peerId.toString()) }
    const verdict = someVerdict(about, { model: MODEL, at: now(), outcome: 'differs', difference: 'tokens' })
    const verifier = peerName(reader.node.peerId.toString())
    const signed = { verifier, verdict: await signVerdict(verdict, reader.key) }
    for (const port of portsOf(reader)) await port.publishVerdict(signed)
    const found = await findVerdicts(portsOf(provider), about.name, { now })
    expect(found).toMatchObject([{ verifier, verdict: { outcome: 'differs' }, staked: undefined }])
    const [port] = portsOf(reader)
    expect(await port?.count()).toMatchObject({ all: { differs: 1 }, staked: { differs: 0 } })
    await expect(port?.publishVerdict(signed)).rejects.toMatchObject({ code: 'verify.record-stale' })
    const stranger = someVerdict({ name: verifier }, { at: now(), jobId: jobId('2'.repeat(32)) })
    const byProvider = {
      verifier: about.name,
      verdict: await signVerdict(stranger, provider.key),
    }
    await expect(port?.publishVerdict(byProvider)).rejects.toMatchObject({ code: 'verify.unknown-provider' })
    expect(await (await fetch(new URL('/metrics', relays[0]?.httpUrl))).text()).toContain(
      'infernet_checks_last_day{outcome="differs",staked="no"} 1',
    )
  })
})
