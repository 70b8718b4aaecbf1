import { connect } from 'node:net'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Relay } from '../create-relay.ts'
import { createLog } from '../observe/log.ts'
import { networkInfoSchema, type NetworkInfo } from '#shared/mesh/network-info.ts'
import type { HealthInfo } from '../serve/network-info.ts'
import { startChainRelay, someNetwork } from '../testing/chain-fixtures.ts'
import { blockAt, startFakeChain, type FakeChain } from '../testing/fake-chain.ts'
import { startRelay, temporaryFolder, until } from '../testing/fixtures.ts'
import { loadNetworkFile } from './load-network-file.ts'
import { MAX_RPC_BODY_BYTES, RPC_RATE } from './limits.ts'

let chain: FakeChain
let relay: Relay
const logged: string[] = []
beforeAll(async () => {
  chain = await startFakeChain({ eth_getBlockByNumber: () => blockAt(16), eth_gasPrice: () => '0x7' })
  relay = await startChainRelay(
    someNetwork([chain.url, 'https://rpc.example/', 'http://10.0.0.5:8545/', 'http://node.example/']),
    { metrics: 'local' },
    createLog('error', { write: (line) => void logged.push(line) }),
  )
})
afterAll(async () => {
  await relay.stop()
  await chain[Symbol.asyncDispose]()
})

const GAS = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_gasPrice' })
interface Posted {
  status: number
  body: { result?: string; block?: object; error?: { code: number; data?: { code: string } } }
}
async function post(body: string, headers: Record<string, string> = {}, of = relay): Promise<Posted> {
  const response = await fetch(new URL('/rpc', of.httpUrl), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, body: (await response.json()) as Posted['body'] }
}

test('a tab asks the chain through its relay, and is told the block', async () => {
  const { hash } = blockAt(16) as { hash: string }
  expect(await post(GAS)).toEqual({
    status: 200,
    body: { jsonrpc: '2.0', id: 1, result: '0x7', block: { number: '0x10', hash } },
  })
})

test('another site, a form, too much and no JSON are refused before anything is asked', async () => {
  const { host, origin } = new URL(relay.httpUrl)
  for (const headers of [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
  ])
    expect([headers, await post(GAS, headers)]).toMatchObject([
      headers,
      { status: 403, body: { error: { code: 'chain.not-from-here' } } },
    ])
  for (const headers of [{ Origin: origin }, { Origin: `https://${host}`, 'Sec-Fetch-Site': 'same-origin' }])
    expect((await post(GAS, headers)).status).toBe(200)
  expect(await post(`"${'x'.repeat(MAX_RPC_BODY_BYTES)}"`)).toMatchObject({
    status: 413,
    body: { error: { code: 'chain.too-large' } },
  })
  expect(await post('{')).toMatchObject({ status: 400, body: { error: { code: 'chain.bad-request' } } })
  const get = await fetch(new URL('/rpc', relay.httpUrl))
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
})

test('who goes in the middle of a question leaves no line in the log', async () => {
  const answered = async (): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
    const counts = text.matchAll(/^infernet_http_requests_total\{route="rpc",status="\d+"\} (\d+)$/gm)
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
  }
  const before = await answered()
  const socket = connect(Number(new URL(relay.httpUrl).port), '127.0.0.1')
  const head = [
    'POST /rpc HTTP/1.1',
    `Host: ${new URL(relay.httpUrl).host}`,
    'Content-Type: application/json',
  ]
  socket.write([...head, 'Content-Length: 100', '', '{"half":'].join('\r\n'), () => socket.end())
  await until('the relay knows that it went', async () => (await answered()) > before)
  expect(await post(GAS)).toMatchObject({ status: 200 })
  expect(logged).toEqual([])
})

test('a body without a length is bounded as well', async () => {
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(8192)) })
  const init = {
    method: 'POST',
    body: endless,
    duplex: 'half',
    headers: { 'Content-Type': 'application/json' },
  }
  const response = await fetch(new URL('/rpc', relay.httpUrl), init as RequestInit).catch(() => undefined)
  expect([413, undefined]).toContain(response?.status) // the answer may be lost with the connection
  expect((await post(GAS)).status).toBe(200)
})

/** What a page reads, which is all that is written. */
function readAll(text: string): NetworkInfo {
  const written: unknown = JSON.parse(text)
  const info = v.parse(networkInfoSchema, written)
  expect(info).toEqual(written)
  return info
}

test('/network.json has the chain with the endpoints that the page can reach', async () => {
  const info = async (host: string): Promise<NetworkInfo> => {
    const { request } = await import('node:http')
    return new Promise((resolve, reject) => {
      request(new URL('/network.json', relay.httpUrl), { headers: { Host: host } }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve(readAll(Buffer.concat(chunks).toString())))
      })
        .on('error', reject)
        .end()
    })
  }
  const { chain: network, payee, faucet } = await info('127.0.0.1:80')
  expect([network?.chainId, payee, faucet]).toEqual([31337, undefined, false])
  const https = 'https://rpc.example/'
  expect(network?.rpcUrls).toEqual([chain.url, https, 'http://10.0.0.5:8545/', 'http://node.example/'])
  expect((await info('192.168.1.7:80')).chain?.rpcUrls).toEqual([
    https,
    'http://10.0.0.5:8545/',
    'http://node.example/',
  ])
  expect((await info('relay.example')).chain?.rpcUrls).toEqual([https, 'http://node.example/'])
})

test('health and metrics tell how old the newest block is, and a chain that is down does not take the relay down', async () => {
  const health = async (): Promise<HealthInfo> =>
    (await (await fetch(new URL('/health', relay.httpUrl))).json()) as HealthInfo
  await until('the first block', async () => (await health()).chain?.block === 16)
  const metrics = await (await fetch(new URL('/metrics', relay.httpUrl))).text()
  expect(metrics).toContain('infernet_chain_block 16')
  expect(metrics).toMatch(/infernet_chain_head_age_seconds \d/)
  expect(metrics).toContain('infernet_rpc_calls_total{method="eth_gasPrice",result="asked"}')
  const down = await startChainRelay(someNetwork(['http://127.0.0.1:1']))
  try {
    expect(await post(GAS, {}, down)).toMatchObject({
      status: 200,
      body: { error: { code: -32002, data: { code: 'chain.unavailable' } } },
    })
    const answer = (await (await fetch(new URL('/health', down.httpUrl))).json()) as HealthInfo
    expect(answer).toMatchObject({ status: 'ok', chain: { chainId: 31337 } })
  } finally {
    await down.stop()
  }
})

test('an address that asks too much is told so', async () => {
  const batch = JSON.stringify(new Array(20).fill(JSON.parse(GAS)))
  const statuses: number[] = []
  for (let i = 0; i <= RPC_RATE.burst / 20 + 5; i++) statuses.push((await post(batch)).status)
  expect(statuses[0]).toBe(200)
  expect(statuses).toContain(429)
})

test('a relay without a chain says so', async () => {
  const alone = await startRelay()
  try {
    expect(await post(GAS, {}, alone)).toMatchObject({ status: 404, body: { error: { code: 'chain.none' } } })
    const info = (await (await fetch(new URL('/network.json', alone.httpUrl))).json()) as NetworkInfo
    expect(info).not.toHaveProperty('chain')
  } finally {
    await alone.stop()
  }
})

test('a network file that is none ends the start with one line that names it', async () => {
  const folder = await temporaryFolder()
  const { writeFile } = await import('node:fs/promises')
  const file = `${folder.path}/network.json`
  await expect(loadNetworkFile(file)).rejects.toThrow(/there is no file/)
  for (const [text, what] of [
    ['{', 'it is no JSON'],
    [JSON.stringify({ ...someNetwork(['http://a/']), chainId: 'x' }), '(chainId)'],
    [JSON.stringify(someNetwork()), 'names no rpcUrls'],
  ] as const) {
    await writeFile(file, text)
    await expect(loadNetworkFile(file)).rejects.toThrow(what)
  }
  await folder.remove()
})
