import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { peerName, jobId } from '#shared/base/ids.ts'
import { createEngine, type ProvenEngine } from '#shared/engine/create-engine.ts'
import type { GenerateRequest } from '#shared/engine/engine.ts'
import { createStandingEngine, type StandingEngine } from '#shared/engine/standing-engine.ts'
import type { CheckReport } from '#shared/peer/check-events.ts'
import { provideModel, type ProvidedModel } from '#shared/peer/provide-model.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { Offer } from '#shared/schedule/offer.ts'
import { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { readTinyModel, wasmComponents, type TinyModel } from '#shared/testing/tiny-model.ts'
import { someVerdict } from '#shared/testing/verdicts.ts'
import { findGolden, findVerdicts } from '#shared/verify/board/find-records.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import { openGolden } from '#shared/verify/golden/golden-sketches.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import { mountDirectory, type MountedDirectory } from '../../relay/directory/mount-directory.ts'
import { startRelay, until } from '../../relay/testing/fixtures.ts'
import { hear, OWN_SOCKET, promptOf, TestNetwork, type TestPeerNode } from './test-network.ts'

/** What the provider under test makes of a request; a test changes it. */
type Change = (request: GenerateRequest) => GenerateRequest
const honest: Change = (request) => request
/** Draws with a seed of its own. Golden prompts are greedy, so that its self-test is right. */
const otherSeed: Change = (request) => ({ ...request, seed: new Uint8Array(32).fill(9) })
/** As a driver that reads half of a prompt would: wrong in every answer. */
const halfRead: Change = (request) => ({
  ...request,
  promptTokens: request.promptTokens.slice(request.promptTokens.length >> 1),
})

const now = () => realClock.now()
let model: TinyModel
let reader: ProvenEngine
let served: StandingEngine
let change: Change
let network: TestNetwork
let own: RecordsPort
let addresses: readonly string[]
let prompt: Prompt
/** Times that the served engine was asked for a greedy answer, as a self-test asks. */
let greedy: number

beforeAll(async () => {
  model = await readTinyModel('fp32')
  const components = await wasmComponents(model.files)
  const start = () => createEngine(components, { manifest: model.manifest })
  reader = await start()
  const question = [{ role: 'user' as const, content: 'Tell me a story about a fox and a lantern.' }]
  const logitBias = [...model.tokenizer.eosTokens].map((token): [number, number] => [token, -100])
  prompt = promptOf({
    ...{ model: reader.info.model, promptTokens: model.tokenizer.encodeChat(question) },
    ...{ eosTokens: [], maxTokens: 64, sampler: { temperature: 1, topP: 1, logitBias } },
  })
}, 120_000)
afterAll(() => reader.close())

beforeEach(async () => {
  network = new TestNetwork()
  change = honest
  greedy = 0
  const components = await wasmComponents(model.files)
  const mounted: { directory?: MountedDirectory } = {}
  const relay = await startRelay(
    {},
    { mounts: [async (host) => (mounted.directory = await mountDirectory(host))] },
  )
  network.defer(() => relay.stop())
  addresses = relay.addresses
  own = mounted.directory!.records
  served = await createStandingEngine({
    clock: realClock,
    start: async () => {
      const engine = await createEngine(components, { manifest: model.manifest })
      const generate: typeof engine.generate = (request, options) => {
        if (request.sampler.temperature === 0) greedy++
        return engine.generate(change(request), options)
      }
      return { ...engine, generate }
    },
  })
  network.defer(() => served.close())
}, 60_000)
afterEach(() => network[Symbol.asyncDispose](), 60_000)

async function provide(): Promise<{ node: TestPeerNode; provided: ProvidedModel }> {
  const node = await network.node({ listen: [OWN_SOCKET], relays: addresses, lookMs: 200 })
  const provided = provideModel(node.peer, served)
  await until('the offer is accepted', () => provided.provision.offerAcceptedAt !== undefined)
  return { node, provided }
}

/** Somebody who asks, reads the answer again, and publishes what that came to. */
async function consumer() {
  const node = await network.node({ relays: addresses })
  const registers = recordRegistersOf(node.node, realClock, node.joined)
  const ports = () => registers.registers.map(({ port }) => port)
  const record = new ProviderRecord({ clock: realClock })
  const askAndCheck = async (): Promise<CheckReport> => {
    const { events } = await hear(node.peer, prompt)
    const [transcript] = events.flatMap((event) => (event.type === 'proof' ? [event.transcript] : []))
    if (!transcript) throw new Error('nothing proves the answer')
    for await (const event of node.peer.check(transcript, { by: 'self', engine: reader })) {
      if (event.type !== 'done') continue
      const { provider, jobId: checked, verdict, verifier, signed } = event.report
      const { outcome, difference, reason } = verdict
      record.checked(provider, {
        jobId: checked,
        outcome,
        difference,
        reason,
        by: 'self',
        verifier: undefined,
      })
      await Promise.all(ports().map((port) => port.publishVerdict({ verifier, verdict: signed })))
      return event.report
    }
    throw new Error('no report came')
  }
  const offerOf = async (): Promise<Offer | undefined> => {
    const { offers } = await node.peer.look({ model: prompt.model })
    return offers.find(({ expired }) => !expired)?.offer
  }
  const goldenAt = async (): Promise<number | undefined> => {
    const [found] = await findGolden(ports(), prompt.model, { now, open: openGolden })
    return found?.golden.at
  }
  return { node, record, askAndCheck, offerOf, goldenAt, ports }
}

it('a provider of whom a check differs tests itself, and a consumer lets it out of quarantine by its new offer', async () => {
  const { node, provided } = await provide()
  const { node: asker, record, askAndCheck, offerOf, goldenAt } = await consumer()
  const provider = node.peer.name
  await until('its golden record is there', async () => (await goldenAt()) !== undefined)
  const [before, goldenBefore] = [(await offerOf())!, (await goldenAt())!]
  change = otherSeed
  expect((await askAndCheck()).verdict).toMatchObject({ outcome: 'differs', difference: 'tokens' })
  expect(record.standingOf(before)).toBe('quarantined')
  await until('it has tested itself', () => provided.accusation?.state.stage === 'passed')
  expect(provided.accusation).toMatchObject({
    ...{ verifier: asker.peer.name, difference: 'tokens', isStaked: false },
    class: { backend: 'wasm', adapter: 'cpu' },
  })
  const isNewer = async () => ((await offerOf())?.selfTest.testedAt ?? 0) > before.selfTest.testedAt!
  await until('its offer names the newer self-test', isNewer)
  expect(provided).toMatchObject({ reasons: [], failure: undefined })
  const after = (await offerOf())!
  expect(after.selfTest).toMatchObject({ testedAt: served.testedAt, total: before.selfTest.total })
  expect([record.standingOf(before), record.standingOf(after)]).toEqual(['quarantined', 'open'])
  await until('its golden record is made anew', async () => ((await goldenAt()) ?? 0) > goldenBefore)
  // It cheats on: the second difference is held against it, whatever it tests, and nothing tests it again so soon.
  await askAndCheck()
  expect(record.standingOf((await offerOf()) ?? after)).toBe('excluded')
  await until('it heard of that', () => provided.accusation?.state.stage === 'resting')
  expect(served.testedAt).toBe(after.selfTest.testedAt)
  expect(record.isExcluded(provider)).toBe(true)
}, 120_000)

it('one whose engine went wrong finds that by its own test, says so, and lends no more', async () => {
  const { provided } = await provide()
  const { askAndCheck, offerOf } = await consumer()
  change = halfRead
  expect((await askAndCheck()).verdict.outcome).toBe('differs')
  const code = 'engine.self-test-failed'
  await until('it has failed', () => provided.failure !== undefined)
  expect(provided.failure).toMatchObject({ code })
  expect(provided.accusation?.state).toMatchObject({ stage: 'failed', reason: { code } })
  await until('it has ended', () => provided.provision.state === 'ended')
  await until('its offer is withdrawn', async () => (await offerOf()) === undefined)
}, 120_000)

it('an honest one is not kept busy by a thousand verdicts of throw-away keys', async () => {
  const { node, provided } = await provide()
  const { testedAt } = served
  const tests: number[] = []
  served.onChange(() => tests.push(served.testedAt))
  const accuse = async (n: number): Promise<void> => {
    const key = await generateKeyPair('Ed25519')
    const verifier = peerName(peerIdFromPrivateKey(key).toString())
    const job = jobId(n.toString(16).padStart(32, '0'))
    const says = { jobId: job, outcome: 'differs', difference: 'tokens', at: now() } as const
    const verdict = someVerdict(node.peer, { model: prompt.model, ...says })
    // The relay keeps the last twenty.
    await own.publishVerdict({ verifier, verdict: await signVerdict(verdict, key) })
  }
  await accuse(0)
  await until('it has tested itself', () => provided.accusation?.state.stage === 'passed')
  for (let n = 1; n <= 1000; n++) await accuse(n)
  await until('it rests', () => provided.accusation?.state.stage === 'resting')
  const kept = await findVerdicts([own], node.peer.name, { now })
  expect(kept.length).toBeGreaterThan(0)
  expect(tests).toHaveLength(1)
  expect(served.testedAt).toBeGreaterThan(testedAt)
  expect(provided).toMatchObject({ reasons: [], provision: { state: 'live' } })
  // The golden prompts of one self-test, alone and at once, and those of the golden record, twice.
  const cases = served.selfTest.golden?.cases.length ?? 0
  expect(greedy).toBeLessThanOrEqual(5 * cases + 5)
}, 120_000)
