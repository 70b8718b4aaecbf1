import { setTimeout as sleep } from 'node:timers/promises'
import { erc20Abi, parseEther, type Address } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { fromHex } from '#shared/base/bytes.ts'
import { createChainSigner } from '#shared/settle/chain-signature.ts'
import { rounds } from '#shared/testing/long-runs.ts'
import { temporaryFolder, until } from '../../relay/testing/fixtures.ts'
import { startRelayProcess, type RelayProcess } from '../fixtures/relay-process.ts'
import { findAnvil } from './find-anvil.ts'
import { startRpcProxy } from './rpc-proxy.ts'
import { nobody, startTestChain, untilOnDisk, type TestChain } from './test-chain.ts'
import { deposit, keyOf, leaveAndVanish, mainEscrow, SOME_MODEL, voucherOf } from './vouchers.ts'

const ROUNDS = rounds({ short: 4, full: 60 })
/** A round of claims takes a second, and so does what comes of it: any moment of both. */
const WITHIN_MS = 2500
const KILLS_EACH = 2
const SETTLED_MS = 60_000

describe.skipIf(findAnvil() === undefined)('vouchers that a relay carries', () => {
  let chain: TestChain
  let relayAccount: Address
  beforeEach(async () => {
    chain = await startTestChain()
    relayAccount = privateKeyToAccount(keyOf(chain.chain.relayKeyFile)).address
  }, 60_000)
  afterEach(() => chain[Symbol.asyncDispose](), 60_000)

  /** A new payer leaves a new provider 10 INF at that relay. Gives how to tell that they were paid, once. */
  async function leaveTen(address: string): Promise<() => Promise<void>> {
    const payer = await chain.account()
    const session = createChainSigner(fromHex(generatePrivateKey().slice(2)))
    await deposit(chain, payer, session)
    await untilOnDisk(chain)
    const provider = nobody()
    const who = { payer: payer.address, provider, relay: relayAccount }
    const voucher = await voucherOf(chain, who, '10', session)
    expect(await leaveAndVanish(chain, { addresses: [address] }, voucher)).toEqual([])
    const { asset, escrow } = mainEscrow(chain)
    const balance = (): Promise<bigint> =>
      chain.client.readContract({
        address: asset,
        abi: erc20Abi,
        functionName: 'balanceOf',
        args: [provider],
      })
    return async () => {
      await until('the provider to be paid', async () => (await balance()) > 0n, SETTLED_MS)
      expect(await balance(), 'of 10 INF, after the shares').toBe(parseEther('8.9'))
      const claimed = await chain.client.readContract({
        address: escrow,
        abi: escrowAbi,
        functionName: 'claimedOf',
        args: [payer.address, 0, provider, `0x${SOME_MODEL}`],
      })
      expect(claimed).toBe(parseEther('10'))
    }
  }

  it('are paid once, whenever the relay is killed', { timeout: ROUNDS * 120_000 }, async () => {
    const folder = await temporaryFolder()
    const { networkFile, relayKeyFile } = chain.chain
    const start = (): Promise<RelayProcess> =>
      startRelayProcess({
        dataFolder: folder.path,
        args: [
          ...['--network-file', networkFile, '--relay-key-file', relayKeyFile],
          ...['--carry-worth', '0', '--carry-every-seconds', '1'],
        ],
      })
    let relay = await start()
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const expectPaidOnce = await leaveTen(relay.address)
        for (let kill = 0; kill < KILLS_EACH; kill++) {
          await anyMoment('the relay')
          await relay.stop('SIGKILL')
          relay = await start()
        }
        await expectPaidOnce()
      }
    } finally {
      await relay.stop()
      await folder.remove()
    }
  })

  it('are paid once, whenever the chain is killed', { timeout: ROUNDS * 120_000 }, async () => {
    await using proxy = await startRpcProxy(() => chain.chain.anvil.url)
    const carrier = { relayKeyFile: chain.chain.relayKeyFile, carryWorth: '0', carryEverySeconds: 1 }
    const relay = await chain.relay(carrier, { rpcUrls: [proxy.url], blockSeconds: 0.5 })
    for (let round = 0; round < ROUNDS; round++) {
      const expectPaidOnce = await leaveTen(relay.addresses[0] ?? '')
      for (let kill = 0; kill < KILLS_EACH; kill++) {
        await anyMoment('the chain')
        await chain.restart()
      }
      await expectPaidOnce()
    }
  })
})

/** Not a wait for anything: the moment is what is drawn. */
async function anyMoment(whose: string): Promise<void> {
  const ms = Math.round(Math.random() * WITHIN_MS)
  console.info(`${whose} is killed after ${ms} ms`)
  await sleep(ms)
}
