import { erc20Abi, parseEther, parseUnits, type Address } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Relay } from '../../relay/create-relay.ts'
import type { Gift } from '../../relay/chain/faucet.ts'
import { findAnvil } from './find-anvil.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { nobody, startTestChain, type TestChain } from './test-chain.ts'

interface Answer {
  status: number
  body: Partial<Gift> & { error?: { code: string; message: string } }
}

describe.skipIf(findAnvil() === undefined)('the faucet', () => {
  let chain: TestChain
  beforeAll(async () => {
    chain = await startTestChain()
  })
  afterAll(() => chain[Symbol.asyncDispose]())

  const startFaucet = (): Promise<Relay> => chain.relay({ faucetKeyFile: chain.chain.faucetKeyFile })
  async function ask(relay: Relay, body: unknown): Promise<Answer> {
    const response = await fetch(new URL('/faucet', relay.httpUrl), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Answer['body'] }
  }
  const balance = (asset: Address, of: Address): Promise<bigint> =>
    chain.client.readContract({ address: asset, abi: erc20Abi, functionName: 'balanceOf', args: [of] })

  const hashesOf = ({ body }: Answer) => body.transactions?.map(({ hash }) => hash)
  async function expectOneGift(address: Address): Promise<void> {
    const [inf] = chain.network.escrows
    expect(await chain.client.getBalance({ address })).toBe(parseEther('0.02'))
    expect(await balance(inf?.asset ?? '0x', address)).toBe(parseEther('1000'))
  }

  test('gives gas, INF and the test coin, and says the hashes', async () => {
    const relay = await startFaucet()
    const address = nobody()
    const { status, body } = await ask(relay, { address })
    expect([status, body.mined]).toEqual([200, true])
    expect(body.transactions?.map(({ symbol, amount }) => [symbol, amount])).toEqual([
      ['ETH', String(parseEther('0.02'))],
      ['INF', String(parseEther('1000'))],
      ['tUSD', '1000000000'],
    ])
    for (const { hash } of body.transactions ?? [])
      expect((await chain.client.getTransactionReceipt({ hash })).status).toBe('success')
    const [inf, coin] = chain.network.escrows
    expect(await chain.client.getBalance({ address })).toBe(parseEther('0.02'))
    expect(await balance(inf?.asset ?? '0x', address)).toBe(parseEther('1000'))
    expect(await balance(coin?.asset ?? '0x', address)).toBe(parseUnits('1000', 6))
    const info = (await (await fetch(new URL('/network.json', relay.httpUrl))).json()) as { faucet: boolean }
    expect(info.faucet).toBe(true)
  })

  test.each(['error', 'swallow'] as const)(
    'gives once when a node takes it and its answer is lost: %s',
    async (fate) => {
      await using proxy = await startRpcProxy(() => chain.chain.anvil.url)
      const { faucetKeyFile } = chain.chain
      const relay = await chain.relay({ faucetKeyFile }, { rpcUrls: [proxy.url] })
      proxy.disturb((method) => (method === 'eth_sendRawTransaction' ? fate : 'pass'))
      const address = nobody()
      const { status, body } = await ask(relay, { address })
      expect([status, body.mined, body.transactions?.length]).toEqual([200, true, 3])
      await expectOneGift(address)
    },
  )

  test('tells of the gift that no block has taken yet, and sends no second one', async () => {
    const relay = await chain.relay({ faucetKeyFile: chain.chain.faucetKeyFile }, { blockSeconds: 0.5 })
    const { client } = chain
    await client.setAutomine(false)
    await client.setIntervalMining({ interval: 0 })
    const address = nobody()
    try {
      const first = await ask(relay, { address })
      expect([first.status, first.body.mined]).toEqual([200, false])
      const second = ask(relay, { address: address.toLowerCase() })
      await client.mine({ blocks: 1 })
      expect(hashesOf(await second)).toEqual(hashesOf(first))
    } finally {
      await client.setAutomine(true)
      await client.mine({ blocks: 1 })
    }
    await expectOneGift(address)
    expect((await ask(relay, { address })).body.error?.code).toBe('faucet.enough')
  })

  test('gives many at once their money, one nonce after the other', async () => {
    const relay = await startFaucet()
    const accounts = Array.from({ length: 8 }, nobody)
    const answers = await Promise.all(accounts.map((address) => ask(relay, { address })))
    expect(answers.map(({ status }) => status)).toEqual(accounts.map(() => 200))
    const hashes = answers.flatMap(({ body }) => body.transactions ?? []).map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(24)
    for (const address of accounts)
      expect(await chain.client.getBalance({ address })).toBe(parseEther('0.02'))
  })

  test('refuses in words: what is no address, who has enough, and who asks again and again', async () => {
    const relay = await startFaucet()
    for (const body of [{}, null, { address: 'me' }, { address: `0x${'0'.repeat(40)}` }, { address: ['0x'] }])
      expect(await ask(relay, body)).toMatchObject({
        status: 400,
        body: {
          error: {
            code: 'faucet.bad-address',
            message: expect.stringMatching(/^That is not an address/) as string,
          },
        },
      })
    const address = nobody()
    expect((await ask(relay, { address })).status).toBe(200)
    for (const code of ['faucet.enough', 'faucet.enough', 'faucet.limited'])
      expect((await ask(relay, { address: address.toLowerCase() })).body.error?.code).toBe(code)
  })

  test('bounds what one network takes, whatever addresses it makes up', async () => {
    const relay = await startFaucet()
    const { client } = chain
    const rich = nobody()
    await client.setBalance({ address: rich, value: 1n })
    const codes: (string | undefined)[] = []
    // Each is refused cheaply for its account after three; the client's own bound comes at thirty.
    for (let i = 0; i < 40; i++) codes.push((await ask(relay, { address: rich })).body.error?.code)
    expect(codes.filter((code) => code === undefined)).toHaveLength(1)
    expect((await ask(relay, { address: nobody() })).body.error).toMatchObject({
      code: 'faucet.limited',
      facts: { of: 'network' },
    })
  })

  test('says that it has run dry when it has', async () => {
    const { chain: local, client } = chain
    const relay = await startFaucet()
    const { readFileSync } = await import('node:fs')
    const { privateKeyToAddress } = await import('viem/accounts')
    const faucet = privateKeyToAddress(readFileSync(local.faucetKeyFile, 'utf8').trim() as Address)
    const had = await client.getBalance({ address: faucet })
    await client.setBalance({ address: faucet, value: 1n })
    expect((await ask(relay, { address: nobody() })).body.error?.code).toMatch(/^faucet\.(empty|failed)$/)
    await client.setBalance({ address: faucet, value: had })
    expect((await ask(relay, { address: nobody() })).status).toBe(200)
  })

  test('is none without a key, and none where money is real', async () => {
    const relay = await chain.relay()
    expect(await ask(relay, { address: nobody() })).toMatchObject({
      status: 404,
      body: { error: { code: 'faucet.none' } },
    })
    const { faucetKeyFile, networkFile } = chain.chain
    await expect(chain.relay({ faucetKeyFile }, { isTest: false })).rejects.toThrow(
      /--faucet-key-file: the money of .* is real/,
    )
    await expect(chain.relay({ faucetKeyFile: networkFile })).rejects.toThrow(/holds no key/)
    await expect(chain.relay({ faucetKeyFile: '/nowhere' })).rejects.toThrow(/there is no file/)
  })
})
