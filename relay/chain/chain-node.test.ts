import { expect, test } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { createLog } from '../observe/log.ts'
import { CHAIN_ID, startFakeChain } from '../testing/fake-chain.ts'
import { until } from '../testing/fixtures.ts'
import { Askers } from './call-turns.ts'
import { ChainNode } from './chain-node.ts'
import {
  MAX_NODE_ANSWER_BYTES,
  NODE_CALL_MS,
  NODE_PARALLEL,
  NODE_PARALLEL_PER_ASKER,
  NODE_RESERVED,
  NODE_WAITING,
} from './limits.ts'
import { NodeError } from '#shared/chain/node-error.ts'

const log = createLog('silent')
const nodeOf = (urls: string[], clock = realClock): ChainNode =>
  new ChainNode({ clock, log }, { chainId: CHAIN_ID, urls })
const DEAD = 'http://127.0.0.1:1'

test('the next endpoint answers when one is down, cut, not JSON, or of another chain', async () => {
  await using good = await startFakeChain({ eth_gasPrice: () => '0x7' })
  await using other = await startFakeChain({ eth_chainId: () => '0x1', eth_gasPrice: () => '0x1' })
  await using broken = await startFakeChain()
  for (const breaking of [
    (response: { destroy(): void }) => response.destroy(),
    (response: { end(text: string): void }) => response.end('<html>'),
    (response: { end(text: string): void }) => response.end(`"${'x'.repeat(MAX_NODE_ANSWER_BYTES)}"`),
  ]) {
    broken.breakWith(breaking)
    expect(await nodeOf([broken.url, good.url]).request('eth_gasPrice', [])).toBe('0x7')
  }
  expect(await nodeOf([DEAD, other.url, good.url]).request('eth_gasPrice', [])).toBe('0x7')
  expect(other.calls.map(({ method }) => method)).toEqual(['eth_chainId'])
})

test('one that failed is asked last for a while, and first again after it', async () => {
  await using good = await startFakeChain({ eth_gasPrice: () => '0x7' })
  await using weak = await startFakeChain({ eth_gasPrice: () => '0x8' })
  const clock = new FakeClock()
  const node = nodeOf([weak.url, good.url], clock)
  weak.breakWith((response) => response.destroy())
  expect(await node.request('eth_gasPrice', [])).toBe('0x7')
  weak.breakWith(undefined)
  expect(await node.request('eth_gasPrice', [])).toBe('0x7')
  await clock.advance(1001)
  expect(await node.request('eth_gasPrice', [])).toBe('0x8')
})

test('a slow endpoint is left after its deadline, and nobody at all is a named error', async () => {
  await using slow = await startFakeChain()
  await using good = await startFakeChain({ eth_gasPrice: () => '0x7' })
  slow.breakWith(() => undefined)
  const clock = new FakeClock()
  const asked = nodeOf([slow.url, good.url], clock).request('eth_gasPrice', [])
  await until('the slow one to be asked', () => slow.calls.length === 1)
  await clock.advance(NODE_CALL_MS)
  expect(await asked).toBe('0x7')
  await expect(nodeOf([DEAD]).request('eth_gasPrice', [])).rejects.toMatchObject({
    code: 'chain.unavailable',
  })
})

test('a refusal of the chain passes in words that we know, with the data of a revert and nothing else', async () => {
  const refusals: [unknown, Partial<NodeError>][] = [
    [
      { code: 3, message: 'execution reverted: <b>send money</b>', data: '0xdeadbeef' },
      { code: 3, message: 'execution reverted', data: '0xdeadbeef' },
    ],
    [
      { code: -32003, message: 'Nonce too low: next 5', data: { data: '0x01' } },
      { code: -32003, message: 'nonce too low', data: '0x01' },
    ],
    [
      { code: 'x', message: 'visit evil.example', data: 'evil' },
      { code: -32000, message: 'the node of the chain refused', data: undefined },
    ],
    ['what', { code: -32000, message: 'the node of the chain refused' }],
  ]
  await using chain = await startFakeChain()
  const node = nodeOf([chain.url])
  for (const [said, heard] of refusals) {
    chain.set({
      eth_call: () => {
        throw said
      },
    })
    const thrown: unknown = await node.request('eth_call', []).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(NodeError)
    expect(thrown).toMatchObject(heard)
  }
})

test('an endpoint that lags, or has had enough of us, is not the last word', async () => {
  await using lagging = await startFakeChain({
    eth_call: () => {
      throw { code: -32000, message: 'header not found' } // eslint-disable-line @typescript-eslint/only-throw-error
    },
  })
  await using good = await startFakeChain({ eth_call: () => '0x01' })
  expect(await nodeOf([lagging.url, good.url]).request('eth_call', [])).toBe('0x01')
  await expect(nodeOf([lagging.url]).request('eth_call', [])).rejects.toBeInstanceOf(InfernetError)
})

test('a transaction that is known already was sent', async () => {
  await using chain = await startFakeChain({
    eth_sendRawTransaction: () => {
      throw { code: -32000, message: 'already known' } // eslint-disable-line @typescript-eslint/only-throw-error
    },
  })
  expect(await nodeOf([chain.url]).request('eth_sendRawTransaction', ['0x00'])).toBe(
    '0xbc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a', // keccak-256 of one zero byte
  )
})

test('calls at once and calls that wait are bounded, and one that was given up makes room', async () => {
  await using chain = await startFakeChain({ eth_gasPrice: () => '0x7' })
  const node = nodeOf([chain.url])
  expect(await node.request('eth_gasPrice', [])).toBe('0x7')
  chain.breakWith(() => undefined)
  const end = new AbortController()
  const asked = Array.from({ length: NODE_PARALLEL + NODE_WAITING }, () =>
    node.request('eth_gasPrice', [], { signal: end.signal }).catch((error: unknown) => error),
  )
  await until('all places to be taken', () => chain.calls.length >= 2 + NODE_PARALLEL)
  await expect(node.request('eth_gasPrice', [])).rejects.toMatchObject({ code: 'chain.busy' })
  expect(chain.calls.length).toBe(2 + NODE_PARALLEL)
  end.abort(new Error('enough'))
  expect(await Promise.all(asked)).toEqual(asked.map(() => new Error('enough')))
  chain.breakWith(undefined)
  expect(await node.request('eth_gasPrice', [])).toBe('0x7')
})

test('strangers that keep the chain busy hold up neither the relay nor one another', async () => {
  await using chain = await startFakeChain({ eth_gasPrice: () => '0x7' })
  const node = nodeOf([chain.url])
  expect(await node.request('eth_gasPrice', [])).toBe('0x7')
  chain.set({ eth_call: () => new Promise(() => undefined) }) // as long as the deadline
  const end = new AbortController()
  const flood = (name: string) =>
    Array.from({ length: NODE_WAITING }, () =>
      node
        .request('eth_call', [], { askers: new Askers(name), signal: end.signal })
        .catch((error: unknown) => error),
    )
  const asked = flood('greedy')
  await until('its places to be taken', () => chain.calls.length >= 2 + NODE_PARALLEL_PER_ASKER)
  expect(await node.request('eth_gasPrice', [], { askers: new Askers('honest') })).toBe('0x7')
  asked.push(...flood('other'))
  const strangers = NODE_PARALLEL - NODE_RESERVED
  await until('all places of strangers to be taken', () => chain.calls.length >= 3 + strangers)
  const own = Array.from({ length: NODE_RESERVED }, () => node.request('eth_gasPrice', []))
  expect(await Promise.all(own)).toEqual(own.map(() => '0x7'))
  expect(chain.calls.filter(({ method }) => method === 'eth_call')).toHaveLength(strangers)
  end.abort(new Error('enough'))
  const refused = (await Promise.all(asked)).filter((error) => error instanceof InfernetError)
  expect(refused.every((error) => error.code === 'chain.busy')).toBe(true)
})
