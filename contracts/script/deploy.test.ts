import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPublicClient, http } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { timelockAbi } from '#shared/abi/timelock.ts'
import { tokenAbi } from '#shared/abi/token.ts'
import { parseNetworkFile } from '#shared/settle/network-file.ts'
import { startAnvil, type Anvil } from './anvil.ts'
import { deployNetwork } from './deploy.ts'
import { findFoundry, isFoundryInstalledByNpm } from './foundry.ts'
import type { Network } from './network.ts'
import { ESCROW, TOKEN } from './parameters.ts'

/** anvil's own, known to everybody. */
const account = mnemonicToAccount('test test test test test test test test test test test junk')

it.runIf(isFoundryInstalledByNpm)('npm has brought forge and anvil to this platform', () => {
  expect([findFoundry('forge'), findFoundry('anvil')]).not.toContain(undefined)
})

describe.skipIf(findFoundry('anvil') === undefined)('a deployed network', () => {
  let anvil: Anvil
  let network: Network
  let tookMs: number
  const read = () => createPublicClient({ transport: http(anvil.rpcUrl) })

  beforeAll(async () => {
    anvil = await startAnvil()
    const startedAt = performance.now()
    network = await deployNetwork(anvil.rpcUrl, account)
    tookMs = performance.now() - startedAt
  }, 60_000)
  afterAll(() => anvil.stop())

  it('stands within ten seconds', () => {
    expect(tookMs).toBeLessThan(10_000)
  })

  it('has code at each address that its file names', async () => {
    for (const address of Object.values(network.addresses))
      expect((await read().getCode({ address }))?.length ?? 0).toBeGreaterThan(100)
    expect(network).toMatchObject({
      name: 'Infernet Local',
      chainId: 31337,
      deployBlock: 0,
      rpcUrl: anvil.rpcUrl,
    })
  })

  it('has two escrows, of INF and of the stablecoin, over one stake', async () => {
    const { escrow, coinEscrow, token, coin, stake, models, timelock } = network.addresses
    const ask = (address: typeof escrow) =>
      read().readContract({ address, abi: escrowAbi, functionName: 'config' })
    const common = { stake, models, treasury: timelock, guardian: account.address }
    expect(await ask(escrow)).toMatchObject({ ...common, ...ESCROW, asset: token, isBurnable: true })
    expect(await ask(coinEscrow)).toMatchObject({ ...common, asset: coin, isBurnable: false })
  })

  it('lets the timelock alone mint, name the court and set the minimum', async () => {
    const { token, stake, timelock } = network.addresses
    expect(await read().readContract({ address: token, abi: tokenAbi, functionName: 'minter' })).toBe(
      timelock,
    )
    expect(
      await read().readContract({ address: stake, abi: stakeAbi, functionName: 'config' }),
    ).toMatchObject({
      owner: timelock,
      token,
    })
    const admin = await read().readContract({
      address: timelock,
      abi: timelockAbi,
      functionName: 'hasRole',
      args: [`0x${'00'.repeat(32)}`, account.address],
    })
    expect(admin).toBe(false)
  })

  it('gives the deployer what a faucet is filled from', async () => {
    const { token } = network.addresses
    const held = read().readContract({
      address: token,
      abi: tokenAbi,
      functionName: 'balanceOf',
      args: [account.address],
    })
    expect(await held).toBe(TOKEN.supply)
  })

  it('comes about by one command, too, which writes the one file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'infernet-network-'))
    const out = join(folder, 'network.json')
    const script = fileURLToPath(new URL('deploy.ts', import.meta.url))
    try {
      execFileSync(
        process.execPath,
        [script, '--rpc', anvil.rpcUrl, '--out', out, '--name', 'test', '--coin', network.addresses.coin],
        {
          env: {
            ...process.env,
            INFERNET_DEPLOYER_KEY: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
          },
        },
      )
      const written = parseNetworkFile(JSON.parse(readFileSync(out, 'utf8')))
      expect(written).toMatchObject({ name: 'test', chainId: 31337, isTest: false, nativeSymbol: 'ETH' })
      const [inf, coin] = written.escrows
      expect(inf).toMatchObject({ asset: written.contracts.token, symbol: 'INF', decimals: 18 })
      expect(coin).toMatchObject({ asset: network.addresses.coin, symbol: 'tUSD', decimals: 6 })
      expect(inf?.escrow).not.toBe(network.addresses.escrow)
      const delay = await read().readContract({
        address: written.contracts.timelock,
        abi: timelockAbi,
        functionName: 'getMinDelay',
      })
      expect(delay).toBe(172_800n)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
