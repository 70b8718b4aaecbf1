import { describe, expect, it } from 'vitest'
import { tokenId } from '../base/ids.ts'
import type { EngineInfo } from '../engine/engine.ts'
import type { Golden } from '../engine/golden.ts'
import { createStandingEngine } from '../engine/standing-engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { FREE_PRICE } from '../prompt/free-price.ts'
import { QuoteDesk } from '../prompt/quote-desk.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import { openOffer, type Offer } from '../schedule/offer.ts'
import { JobService } from '../stream/job-service.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { createFakeEngine, type FakeEngine } from '../testing/fake-engine.ts'
import { PAYMENT } from '../testing/payments.ts'
import { countingRandom, makePeer } from '../testing/peers.ts'
import { pricePerToken } from '../testing/prices.ts'
import type { Signed } from '../wire/signed.ts'
import { tagOf } from '../wire/versions.ts'
import type { Accusation } from './accusation.ts'
import type { Payee, Peer, ProviderTerms } from './peer.ts'
import { provideModel, type ModelTerms, type ProvidedModel } from './provide-model.ts'
import { Provision, type ProvisionComponents } from './provision.ts'

const ADDRESS = '/ip4/127.0.0.1/tcp/4630/ws'
const PRICE = pricePerToken(1n, 10n)
const payee: Payee = {
  payment: PAYMENT,
  credit: {
    open: async () => Promise.reject(new InfernetError('payment.required')),
    heldBeside: () => new Uint8Array(),
  },
}

/** A provider's own part, real but for the engine's tokens: a relay in memory hears what it announces. */
async function world(
  terms: ModelTerms = {},
  info: Partial<EngineInfo> = {},
  {
    right = 3,
    total = 3,
    golden,
    addresses = () => [ADDRESS],
    others = [],
  }: {
    right?: number
    total?: number
    golden?: Golden
    addresses?: () => readonly string[]
    others?: readonly DirectoryPort[]
  } = {},
) {
  const clock = new FakeClock()
  const { name: provider, key } = await makePeer()
  const started: FakeEngine[] = []
  /** What the next starts throw; nothing is a good start. */
  const failures: Error[] = []
  const engine = await createStandingEngine({
    clock,
    start: async () => {
      const failure = failures.shift()
      if (failure) throw failure
      const fake = createFakeEngine({ clock, info })
      started.push(fake)
      const selfTest = { right, total, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1, golden }
      return Object.assign(fake, { selfTest })
    },
  })
  /** Each offer that came to the relay; undefined for one that was withdrawn. */
  const heard: (Offer | undefined)[] = []
  const directory: DirectoryPort = {
    relay: provider,
    announce: async (offer: Signed) => {
      const opened = await openOffer({ provider, offer }, clock.now())
      heard.push(opened)
      return opened.expiresAt
    },
    withdraw: async () => void heard.push(undefined),
    query: async () => ({ offers: [], total: 0 }),
    watch: () => () => undefined,
  }
  const random = countingRandom()
  const desk = new QuoteDesk({ key, clock, random, termsOf: () => undefined })
  const jobs = new JobService({ clock, key, desk, servedOf: () => undefined })
  const parts: ProvisionComponents = {
    ...{ key, clock, random, jobs, kind: 'node', onEnd: () => undefined },
    ...{ directories: () => [directory, ...others], onDirectories: () => () => undefined, addresses },
  }
  let made: { terms: ProviderTerms; provision: Provision } | undefined
  const peer: Pick<Peer, 'provide'> = {
    provide: (provided, of) => {
      made = { terms: of, provision: new Provision(provided, of, parts) }
      return made.provision
    },
  }
  const provided = provideModel<'you' | 'hidden'>(peer, engine, terms)
  return { clock, engine, started, failures, heard, provided, ...made! }
}

function stateOf({ provision, reasons, restart, failure }: ProvidedModel<'you' | 'hidden'>) {
  return { state: provision.state, reasons, restart: restart?.attempt, failure: failure?.code }
}

describe('a model that is provided', () => {
  it('is announced with the price of its payee', async () => {
    const { clock, heard } = await world({ payee, price: PRICE })
    await clock.advance(10)
    expect(heard).toMatchObject([{ price: PRICE, payment: { escrow: PAYMENT.escrow } }])
  })

  it('is not announced while it has no address, and is within two seconds of having one', async () => {
    let addresses: readonly string[] = []
    const { clock, heard } = await world({}, {}, { addresses: () => addresses })
    await clock.advance(5000)
    expect(heard).toEqual([])
    addresses = [ADDRESS]
    await clock.advance(2000)
    expect(heard).toMatchObject([{ addresses: [ADDRESS] }])
  })

  it('is known to be offered once the first relay has taken it, whatever another one waits for', async () => {
    const never = () => new Promise<never>(() => undefined)
    const { name: relay } = await makePeer()
    const silent: DirectoryPort = {
      ...{ relay, announce: never, withdraw: never, query: never, watch: () => () => undefined },
    }
    const { clock, provision } = await world({}, {}, { others: [silent] })
    await clock.advance(10)
    expect(provision.offerAcceptedAt).toBeDefined()
  })

  it('asks for nothing where nobody could pay it', async () => {
    const { clock, heard } = await world({ price: PRICE })
    await clock.advance(10)
    expect(heard).toMatchObject([{ price: FREE_PRICE }])
    expect(heard[0]?.payment).toBeUndefined()
  })

  it('is offered with the self-test of the newest engine, and the share of now', async () => {
    const terms = { share: 0.5 }
    const { clock, heard, started, engine } = await world(terms)
    await clock.advance(10)
    const first = engine.testedAt
    expect(heard.at(-1)).toMatchObject({
      selfTest: { right: 3, total: 3, testedAt: first },
      decodeTokensPerSecond: 500,
    })
    terms.share = 0.25
    started[0]!.breakDown(new InfernetError('engine.device-lost'))
    await clock.advance(20_000)
    expect(started).toHaveLength(2)
    expect(engine.testedAt).toBeGreaterThan(first)
    expect(heard.at(-1)).toMatchObject({
      selfTest: { testedAt: engine.testedAt },
      decodeTokensPerSecond: 250,
    })
  })

  it.each([
    ['webgpu', true, true],
    ['webgpu', false, false],
    ['webgpu', undefined, undefined],
    ['wasm', true, undefined],
  ] as const)('says of subgroups on %s, where they are %s: %s', async (backend, subgroups, said) => {
    const { clock, heard } = await world({ subgroups }, { backend })
    await clock.advance(10)
    expect(heard).toHaveLength(1)
    expect(heard[0]?.selfTest.subgroups).toBe(said)
  })

  it('is not offered with an engine that got a test token wrong', async () => {
    await expect(world({}, {}, { right: 2 })).rejects.toMatchObject({ code: 'engine.self-test-failed' })
  })

  it('pauses for as long as there is a reason, the oldest first', async () => {
    const { clock, heard, provided } = await world()
    await clock.advance(10)
    provided.setReason('you', true)
    provided.setReason('hidden', true)
    provided.setReason('you', true)
    expect(stateOf(provided)).toMatchObject({ state: 'paused', reasons: ['you', 'hidden'] })
    await clock.advance(120_000)
    expect(heard.slice(1)).toEqual([undefined])
    provided.setReason('you', false)
    expect(stateOf(provided)).toMatchObject({ state: 'paused', reasons: ['hidden'] })
    provided.setReason('hidden', false)
    expect(stateOf(provided)).toMatchObject({ state: 'live', reasons: [] })
    await clock.advance(10)
    expect(heard.at(-1)).toBeDefined()
  })

  it('invites nobody while another engine starts, then goes on by itself', async () => {
    const { clock, heard, started, failures, provided } = await world()
    await clock.advance(10)
    failures.push(new InfernetError('engine.load-failed')) // the next try comes after a while
    const seen: unknown[] = []
    provided.onChange(() => seen.push(stateOf(provided)))
    started[0]!.breakDown(new InfernetError('engine.device-lost'))
    await clock.advance(0)
    const paused = { state: 'paused', reasons: ['restart'], restart: 2, failure: undefined }
    expect(stateOf(provided)).toEqual(paused)
    expect(seen.at(-1)).toEqual(paused)
    expect(heard.at(-1)).toBeUndefined()
    await clock.advance(20_000)
    expect(stateOf(provided)).toEqual({ state: 'live', reasons: [], restart: undefined, failure: undefined })
    expect(heard.at(-1)).toBeDefined()
  })

  it('stays paused over a restart for whoever paused it', async () => {
    const { clock, started, provided } = await world()
    provided.setReason('you', true)
    started[0]!.breakDown(new InfernetError('engine.device-lost'))
    await clock.advance(20_000)
    expect(started).toHaveLength(2)
    expect(stateOf(provided)).toMatchObject({ state: 'paused', reasons: ['you'] })
  })

  it('ends with the reason why the engine could not be started again', async () => {
    const { clock, started, failures, provided, heard } = await world()
    await clock.advance(10)
    for (let i = 0; i < 9; i++) failures.push(new InfernetError('engine.no-adapter'))
    started[0]!.breakDown(new InfernetError('engine.device-lost'))
    await clock.advance(600_000)
    expect(stateOf(provided)).toMatchObject({ state: 'ended', failure: 'engine.no-adapter' })
    expect(heard.at(-1)).toBeUndefined()
  })

  it.each(['stop', 'drain'] as const)(
    'withdraws its offer at a %s, and leaves the engine to its owner',
    async (how) => {
      const { clock, started, engine, provided, heard } = await world()
      await clock.advance(10)
      await provided[how]()
      expect(heard.slice(1)).toContain(undefined)
      expect(heard.at(-1)).toBeUndefined()
      expect(provided.provision.state).toBe('ended')
      const request = { promptTokens: [1], priorTokens: [], seed: new Uint8Array(32), maxTokens: 1 }
      const batches = engine.generate({ ...request, sampler: { temperature: 0, topP: 1 } })
      expect((await batches.next()).value).toMatchObject({ finish: 'length' })
      let told = 0
      provided.onChange(() => told++)
      provided.setReason('you', true)
      started[0]!.breakDown(new InfernetError('engine.device-lost'))
      await clock.advance(20_000)
      expect(started).toHaveLength(2)
      expect(told, 'nobody listens to the engine any more').toBe(0)
      expect(stateOf(provided)).toMatchObject({ state: 'ended', reasons: [] })
      await engine.close()
    },
  )

  it('takes no new prompts while it tests itself, and then names the newer self-test', async () => {
    const { clock, engine, heard, provided, terms } = await world()
    await clock.advance(10_000)
    const before = engine.testedAt
    const desk = terms.selfTestDesk!
    expect(desk.isAble).toBe(true)
    provided.setReason('hidden', true)
    const letGo = desk.hold()
    expect(stateOf(provided)).toMatchObject({ state: 'paused', reasons: ['hidden', 'self-test'] })
    await desk.run({ signal: new AbortController().signal })
    letGo()
    expect(stateOf(provided), 'others may have reasons of their own').toMatchObject({ reasons: ['hidden'] })
    provided.setReason('hidden', false)
    await clock.advance(10)
    expect(engine.testedAt).toBe(before + 10_000)
    expect(heard.at(-1)?.selfTest.testedAt).toBe(engine.testedAt)
  })

  it.each([
    ['brings no golden prompts', {}, 0],
    ['writes nothing', { task: 'feature-extraction' }, 3],
  ] as const)('is not tested again where the model %s', async (_what, info, total) => {
    const { terms } = await world({}, info, { right: total, total })
    expect(terms.selfTestDesk?.isAble).toBe(false)
  })

  it('says that it failed, whoever says so first', async () => {
    const golden: Golden = { format: tagOf('file', 'golden'), cases: [{ prompt: [5], tokens: [tokenId(9)] }] }
    const { clock, provided, provision, terms } = await world({}, {}, { golden })
    const accusation = { verifier: 'somebody', at: clock.now() } as unknown as Accusation
    provision.accused({ ...accusation, state: { stage: 'testing' } })
    const run = terms.selfTestDesk!.run({ signal: new AbortController().signal })
    await expect(run).rejects.toMatchObject({ code: 'engine.self-test-failed' })
    const state = {
      stage: 'failed',
      reason: { code: 'engine.self-test-failed', facts: { wrong: 1, total: 1 } },
    }
    expect(provided.accusation).toMatchObject({ verifier: 'somebody', state })
    await clock.advance(10)
    expect(stateOf(provided)).toMatchObject({ state: 'ended', failure: 'engine.self-test-failed' })
  })
})
