import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { InfernetError } from '../errors/infernet-error.ts'
import { COMPLIANCE_MAX_WAITING, collect, runEngineCompliance } from '../testing/engine-compliance.ts'
import { createFakeEngine, type FakeEngine, type FakeEngineInit } from '../testing/fake-engine.ts'
import { realClock } from '../testing/real-clock.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import type { SelfTest } from './self-test.ts'
import { createWorkerClient } from './worker-client.ts'
import { createWorkerHost, type HostComponents } from './worker-host.ts'
import type { ClientPort, HostPort, LoadRequest } from './worker-messages.ts'

const { manifest } = await readTinyModel('fp32')
const load: LoadRequest = { manifest, source: '/', backend: 'wasm' }
const selfTest: SelfTest = { right: 1, total: 1, prefillTokensPerSecond: 1, decodeTokensPerSecond: 1 }
const request = {
  promptTokens: [5, 6, 7],
  priorTokens: [],
  sampler: { temperature: 0, topP: 1 },
  seed: new Uint8Array(0),
  maxTokens: 30,
}

const portOf = <Side>(port: MessagePort): Side =>
  ({
    postMessage: (message: unknown) => port.postMessage(message),
    onMessage: (listener: (message: unknown) => void) => port.on('message', listener),
  }) as Side

/** A host and a client on the two ends of a real message channel, with a fake engine behind them. */
function connect(fake: FakeEngine, components?: HostComponents) {
  const { port1, port2 } = new MessageChannel()
  const state = { terminated: 0 }
  createWorkerHost(
    portOf<HostPort>(port1),
    components ?? { load: async () => ({ engine: { ...fake, selfTest }, kept: true }) },
  )
  const client = createWorkerClient(portOf<ClientPort>(port2), {
    terminate: () => {
      state.terminated++
      port2.close()
    },
  })
  return { client, state }
}

const fakeEngine = (init: Partial<FakeEngineInit> = {}) => createFakeEngine({ clock: realClock, ...init })

runEngineCompliance('an engine behind a message channel', {
  create: () => connect(fakeEngine({ maxWaiting: COMPLIANCE_MAX_WAITING })).client.load(load),
  promptTokens: [5, 6, 7],
})

describe('createWorkerClient', () => {
  it('stops the engine behind the border when its consumer leaves or is called off', async () => {
    const fake = fakeEngine({ tokensPerSecond: 200, answerLength: 900 })
    const engine = await connect(fake).client.load(load)
    const stream = engine.generate({ ...request, maxTokens: 800 })
    await stream.next()
    expect(fake.active).toBe(1)
    await stream.return()
    expect(fake.active).toBe(0)
    const controller = new AbortController()
    const other = engine.generate({ ...request, maxTokens: 800 }, { signal: controller.signal })
    await other.next()
    controller.abort(new Error('enough'))
    await expect(other.next()).rejects.toThrow('enough')
    expect(fake.active).toBe(0)
    await engine.close()
  })

  it('tells of an engine that died by itself, by its code', async () => {
    const fake = fakeEngine({ tokensPerSecond: 100 })
    const { client, state } = connect(fake)
    const engine = await client.load(load)
    const answer = collect(engine, request)
    const ended = expect(answer).rejects.toMatchObject({ code: 'engine.device-lost' })
    const { InfernetError } = await import('../errors/infernet-error.ts')
    fake.breakDown(new InfernetError('engine.device-lost'))
    await ended
    expect(await engine.lost).toMatchObject({ code: 'engine.device-lost' })
    await expect(collect(engine, request)).rejects.toMatchObject({ code: 'engine.device-lost' })
    expect(state.terminated).toBe(1)
  })

  it('carries the share of the time to the pace behind the border, and no nonsense', async () => {
    let shareOf = (): number => NaN
    const components: HostComponents = {
      load: async (_, __, share) => {
        shareOf = share
        return { engine: { ...fakeEngine(), selfTest }, kept: true }
      },
    }
    const engine = await connect(fakeEngine(), components).client.load({ ...load, share: 0.5 })
    expect(shareOf()).toBe(0.5)
    for (const [told, share] of [
      [0.25, 0.25],
      [0, 0.25],
      [7, 0.25],
      [NaN, 0.25],
      [1, 1],
    ] as const) {
      engine.setShare(told)
      await collect(engine, { ...request, maxTokens: 1 })
      expect(shareOf()).toBe(share)
    }
    await engine.close()
  })

  it('ends everything when the worker crashes', async () => {
    const { client, state } = connect(fakeEngine({ tokensPerSecond: 10 }))
    const engine = await client.load(load)
    const ended = expect(collect(engine, request)).rejects.toThrow('crash')
    client.fail(new Error('crash'))
    await ended
    expect(await engine.lost).toMatchObject({ message: 'crash' })
    expect(state.terminated).toBe(1)
  })

  it('carries the code and the facts of a failed load, and ends the worker', async () => {
    const { InfernetError } = await import('../errors/infernet-error.ts')
    const failure = new InfernetError('models.truncated', { path: 'a.onnx', got: 1, expected: 2 })
    const { client, state } = connect(fakeEngine(), { load: () => Promise.reject(failure) })
    const error = await client.load(load).catch((thrown: unknown) => thrown as InfernetError)
    expect(error).toMatchObject({ code: 'models.truncated', facts: failure.facts, message: failure.message })
    expect(state.terminated).toBe(1)
  })

  it('ends the worker when a load is called off', async () => {
    const { client, state } = connect(fakeEngine(), { load: () => new Promise(() => {}) })
    const controller = new AbortController()
    const loading = client.load(load, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(loading).rejects.toThrow('enough')
    expect(state.terminated).toBe(1)
  })

  it('refuses questions before there is a model', async () => {
    const { port1, port2 } = new MessageChannel()
    createWorkerHost(portOf<HostPort>(port1), { load: () => new Promise(() => {}) })
    const answer = new Promise((resolve) => port2.on('message', resolve))
    port2.postMessage({ kind: 'request', id: 1, name: 'generate.open', body: request })
    expect(await answer).toEqual({ kind: 'failure', id: 1, error: { code: 'engine.closed', facts: {} } })
    port2.close()
  })
})
