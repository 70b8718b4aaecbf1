import fc from 'fast-check'
import { encodeFunctionData, erc20Abi, toFunctionSelector, toHex } from 'viem'
import { beforeEach, expect, test } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { blockAt, CHAIN_ID } from '../testing/fake-chain.ts'
import { ChainHead } from './chain-head.ts'
import type { Askers } from './call-turns.ts'
import { CALL_GAS, MAX_CALL_DATA_BYTES, MAX_CALL_GAS, MAX_LOG_BLOCKS, MAX_RPC_BATCH } from './limits.ts'
import { ReadPath } from './read-path.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as const
const OURS = address('a')
const NETWORK: NetworkFile = {
  ...{ version: 1, name: 'Test', chainId: CHAIN_ID, rpcUrls: [], isTest: true, nativeSymbol: 'ETH' },
  ...{ blockSeconds: 1, deployBlock: 0 },
  contracts: { timelock: OURS, token: OURS, models: OURS, stake: OURS, treasury: OURS },
  escrows: [{ asset: OURS, escrow: address('b'), symbol: 'INF', decimals: 18 }],
}

const clock = new FakeClock()
const BALANCE = encodeFunctionData({ abi: erc20Abi, functionName: 'balanceOf', args: [OURS] })
const UNBOND = encodeFunctionData({ abi: stakeAbi, functionName: 'unbond', args: [1n] })
const CLAIM = encodeFunctionData({ abi: escrowAbi, functionName: 'claim', args: [[]] })
const CLAIMABLE = toFunctionSelector(
  escrowAbi.find((item) => item.type === 'function' && item.name === 'claimable') as never,
)
const ESCROW = address('b')
const ME = { group: '192.0.2.1' }
let calls: { method: string; params: readonly unknown[] }[]
let askers: (Askers | undefined)[]
let answers: Record<string, unknown>
let path: ReadPath

beforeEach(() => {
  calls = []
  askers = []
  answers = { eth_getBlockByNumber: blockAt(100) }
  const node = {
    request: async (method: string, params: readonly unknown[], options: { askers?: Askers } = {}) => {
      calls.push({ method, params })
      askers.push(options.askers)
      await Promise.resolve()
      if (answers[method] instanceof Error) throw answers[method]
      return method === 'eth_getBlockByNumber' && params[0] !== 'latest'
        ? null
        : method in answers
          ? answers[method]
          : `${method}!`
    },
  }
  path = new ReadPath({ node, head: new ChainHead({ node, clock }, NETWORK), network: NETWORK })
})

interface Answer {
  id: number
  result?: unknown
  block?: { number: string; hash: string }
  error?: { code: number; message: string; data?: { code: string } }
}
const ask = async (method: string, ...params: unknown[]): Promise<Answer> =>
  (await path.answer({ jsonrpc: '2.0', id: 7, method, params }, ME)) as Answer
const passedOn = () => calls.filter(({ params }) => params[0] !== 'latest')

test('an answer says which block it is of, and "latest" is made that block', async () => {
  const { block, result } = await ask('eth_getBalance', OURS, 'latest')
  expect([block?.number, result]).toEqual(['0x64', 'eth_getBalance!'])
  await ask('eth_call', { to: OURS, data: BALANCE })
  expect(passedOn()).toEqual([
    { method: 'eth_getBalance', params: [OURS, '0x64'] },
    { method: 'eth_call', params: [{ to: OURS, data: BALANCE, gas: toHex(CALL_GAS.read) }, '0x64'] },
  ])
  expect((await ask('eth_chainId')).result).toBe('0x7a69')
  expect((await ask('eth_blockNumber')).result).toBe('0x64')
})

test('the same question is asked once a block, by however many at once', async () => {
  const both = await Promise.all([ask('eth_getBalance', OURS), ask('eth_getBalance', OURS, 'latest')])
  expect(both.map(({ result }) => result)).toEqual(['eth_getBalance!', 'eth_getBalance!'])
  expect(passedOn()).toHaveLength(1)
  answers['eth_getBlockByNumber'] = blockAt(100, 0xbad) // the same height, another block
  await clock.advance(1000)
  expect((await ask('eth_getBalance', OURS)).block?.hash).toMatch(/bad$/)
  expect(passedOn()).toHaveLength(2)
})

test('what counts the pool is never remembered, and neither is a failure or what is not there yet', async () => {
  answers['eth_getTransactionReceipt'] = null
  answers['eth_getCode'] = new Error('gone')
  for (let i = 0; i < 2; i++) {
    await ask('eth_getTransactionCount', OURS, 'pending')
    await ask('eth_estimateGas', { to: OURS })
    await ask('eth_getTransactionReceipt', `0x${'1'.repeat(64)}`)
    expect((await ask('eth_getCode', OURS)).error).toMatchObject({ data: { code: 'internal' } })
  }
  expect(passedOn()).toHaveLength(8)
})

test('who has sent something, or has seen it mined, is not shown the time before it', async () => {
  answers['eth_sendRawTransaction'] = `0x${'1'.repeat(64)}`
  await ask('eth_sendRawTransaction', '0x01')
  answers['eth_getBlockByNumber'] = blockAt(101)
  expect((await ask('eth_blockNumber')).result).toBe('0x65')
  answers['eth_getTransactionReceipt'] = { blockNumber: '0x66' }
  await ask('eth_getTransactionReceipt', `0x${'1'.repeat(64)}`)
  answers['eth_getBlockByNumber'] = blockAt(102)
  expect((await ask('eth_blockNumber')).result).toBe('0x66')
})

test('logs are of our contracts, over a bounded span that ends at the head', async () => {
  const from = `0x${(100 - MAX_LOG_BLOCKS + 1 + 5000).toString(16)}`
  answers['eth_getBlockByNumber'] = blockAt(5100)
  await ask('eth_getLogs', { address: OURS, fromBlock: from, toBlock: 'latest' })
  expect(passedOn().at(-1)?.params).toEqual([{ address: OURS, fromBlock: from, toBlock: '0x13ec' }])
  for (const filter of [
    { address: OURS, fromBlock: `0x${(100 - MAX_LOG_BLOCKS + 5000).toString(16)}` },
    { address: address('c'), fromBlock: from },
    { address: [OURS, address('c')], fromBlock: from },
    { address: [], fromBlock: from },
    { fromBlock: from },
    { address: OURS },
    { address: OURS, fromBlock: 'earliest' },
    { address: OURS, fromBlock: from, topics: [null, null, null, null, null] },
    { address: OURS, blockHash: `0x${'1'.repeat(64)}` },
  ])
    expect((await ask('eth_getLogs', filter)).error).toMatchObject({ data: { code: 'chain.bad-request' } })
  expect(passedOn()).toHaveLength(1)
})

test('what is not on the list is not passed on', async () => {
  for (const method of [
    'eth_accounts',
    'eth_sendTransaction',
    'eth_sign',
    'eth_newFilter',
    'debug_traceCall',
    'anvil_setBalance',
    'evm_revert',
    'constructor',
    '__proto__',
    '',
  ])
    expect((await ask(method)).error).toMatchObject({ code: -32601, data: { code: 'chain.method-refused' } })
  expect(passedOn()).toEqual([])
})

test('only our contracts and assets are called, by selector', async () => {
  const foreign: object[] = [
    { to: address('c'), data: BALANCE },
    { to: OURS, data: '0x12345678' },
    { to: OURS, data: '0x70a082' },
    { to: ESCROW, data: BALANCE },
    { data: '0x6080604052' },
    { to: null, data: '0x6080604052' },
    { data: BALANCE },
    { to: OURS, data: BALANCE, input: UNBOND },
    { to: OURS, data: BALANCE, gas: toHex(MAX_CALL_GAS + 1n) },
  ]
  for (const method of ['eth_call', 'eth_estimateGas'])
    for (const call of foreign)
      expect([call, (await ask(method, call)).error]).toMatchObject([
        call,
        { data: { code: 'chain.bad-request' } },
      ])
  expect(passedOn()).toEqual([])
})

test('every call is passed on with a bound of gas that fits what it does', async () => {
  const gasOf = async (call: object): Promise<unknown> => {
    await ask('eth_estimateGas', call)
    return (passedOn().at(-1)?.params[0] as { gas: string }).gas
  }
  expect(await gasOf({ to: OURS, data: BALANCE })).toBe(toHex(CALL_GAS.read))
  expect(await gasOf({ to: OURS, input: BALANCE, gas: toHex(MAX_CALL_GAS) })).toBe(toHex(CALL_GAS.read))
  expect(await gasOf({ to: OURS, data: BALANCE, gas: '0x5208' })).toBe('0x5208')
  expect(await gasOf({ to: ESCROW, data: CLAIMABLE })).toBe(toHex(CALL_GAS.check))
  expect(await gasOf({ to: OURS, data: UNBOND.toUpperCase().replace('0X', '0x') })).toBe(toHex(CALL_GAS.act))
  expect(await gasOf({ to: ESCROW, data: CLAIM })).toBe(toHex(CALL_GAS.many))
  // Coins go to anybody, and nothing comes with them that could keep a contract busy.
  expect(await gasOf({ to: address('c'), value: '0x1', data: '0x' })).toBe(toHex(CALL_GAS.coin))
  expect(await gasOf({ to: address('c'), value: '0x1' })).toBe(toHex(CALL_GAS.coin))
})

test('whoever asks what another one waits for joins it, and the relay itself asks for nobody', async () => {
  const body = { jsonrpc: '2.0', id: 1, method: 'eth_getBalance', params: [OURS] }
  await Promise.all([path.answer(body, { group: 'a' }), path.answer(body, { group: 'b' })])
  expect(calls.map(({ method }) => method)).toEqual(['eth_getBlockByNumber', 'eth_getBalance'])
  expect(askers.map((each) => each?.names)).toEqual([undefined, ['a', 'b']])
})

test('parameters out of their bounds are refused', async () => {
  const bad: [string, ...unknown[]][] = [
    ['eth_call', { to: OURS, data: `${BALANCE}${'00'.repeat(MAX_CALL_DATA_BYTES)}` }],
    ['eth_call', { to: OURS, gas: '0xffffffffff' }],
    ['eth_call', { to: OURS, data: BALANCE }, 'latest', { [OURS]: { balance: '0x1' } }],
    ['eth_call', { to: OURS, data: BALANCE, evil: 1 }],
    ['eth_call'],
    ['eth_getBalance', 'vitalik.eth'],
    ['eth_getBalance', OURS, { blockHash: `0x${'1'.repeat(64)}` }],
    ['eth_getBlockByNumber', 'latest', true],
    ['eth_feeHistory', '0x400', 'latest', []],
    ['eth_feeHistory', '0x4', 'latest', [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['eth_sendRawTransaction', 'hello'],
    ['eth_getTransactionReceipt', '0x1'],
    ['eth_chainId', 1],
  ]
  for (const [method, ...params] of bad)
    expect([method, (await ask(method, ...params)).error?.code]).toEqual([method, -32602])
  expect(passedOn()).toEqual([])
})

test('a batch is answered in order, and a larger one not at all', async () => {
  const one = { jsonrpc: '2.0', id: 1, method: 'eth_chainId' }
  const two = { jsonrpc: '2.0', id: 'b', method: 'eth_blockNumber', params: [] }
  expect(await path.answer([one, 7, two], ME)).toMatchObject([
    { id: 1, result: '0x7a69' },
    { id: null, error: { code: -32600 } },
    { id: 'b', result: '0x64' },
  ])
  for (const batch of [[], new Array(MAX_RPC_BATCH + 1).fill(one)])
    expect(await path.answer(batch, ME)).toMatchObject({ error: { code: -32600 } })
})

test('what burns more costs more, and junk costs as well', () => {
  const request = (method: string, ...params: unknown[]) => ({ jsonrpc: '2.0', id: 1, method, params })
  const send = request('eth_sendRawTransaction', '0x00')
  const act = { to: OURS, data: UNBOND }
  const claim = { to: ESCROW, data: CLAIM }
  const costs: [unknown, number][] = [
    [send, 10],
    [[send, send], 20],
    [request('eth_getBalance', OURS), 1],
    [request('eth_call', { to: OURS, data: BALANCE }), 1],
    [request('eth_call', { to: ESCROW, data: CLAIMABLE }), 2],
    [request('eth_call', act), 2],
    [request('eth_call', { ...act, gas: '0x5208' }), 1],
    [request('eth_estimateGas', act), 4],
    [request('eth_call', claim), 10],
    [request('eth_estimateGas', claim), 20],
    [request('eth_estimateGas', { to: address('c'), value: '0x1' }), 2],
    [request('eth_getLogs', { address: OURS, fromBlock: '0x1' }), 10],
    [request('eth_call', { to: address('c'), data: '0x01' }), 1],
    [new Array(MAX_RPC_BATCH).fill(request('eth_estimateGas', claim)), 20 * MAX_RPC_BATCH],
    ...[{}, null, []].map((junk): [unknown, number] => [junk, 1]),
    [[1, 2], 2],
  ]
  for (const [body, cost] of costs) expect([body, path.costOf(body)]).toEqual([body, cost])
})

test('whatever is sent, the answer is an answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (body) => {
      expect(await path.answer(body, ME)).toBeTypeOf('object')
    }),
  )
})
