import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPublicClient, createTestClient, http, parseUnits, type Address } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeAbi } from '#shared/abi/stake.ts'
import { timelockAbi } from '#shared/abi/timelock.ts'
import { tokenAbi } from '#shared/abi/token.ts'
import { parseNetworkFile } from '#shared/chain/network-file.ts'
import { startAnvil, type Anvil } from './anvil.ts'
import { readCoin } from './coin.ts'
import { deployNetwork } from './deploy.ts'
import { findFoundry, isFoundryInstalledByNpm } from './foundry.ts'
import type { Network } from './network.ts'
import { ESCROW, REAL_DELAY_SECONDS, STAKE, TOKEN, type DeployOptions } from './parameters.ts'

/** anvil's own, known to everybody. */
const account = mnemonicToAccount('test test test test test test test test test test test junk')
const ACCOUNT_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'
/** Answers any call with the ABI's words for "TAKE", and with 32 where a number is asked for. */
const TAKES_ALL = `0x602060005260046020527f${'54414b45'.padEnd(64, '0')}60405260606000f3` as const

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

  it('takes a coin of 18 decimals for real money, with the caps in its units and a timelock longer than unbonding', async () => {
    const real = await deployNetwork(anvil.rpcUrl, account, { coin: network.addresses.token })
    expect(real).toMatchObject({ isTest: false, coinSymbol: 'INF', coinDecimals: 18 })
    const { coinEscrow, timelock } = real.addresses
    expect(
      await read().readContract({ address: coinEscrow, abi: escrowAbi, functionName: 'config' }),
    ).toMatchObject({ tipCap: parseUnits('0.05', 18), unstakedDailyCap: parseUnits('5', 18) })
    expect(await delayOf(timelock)).toBe(BigInt(REAL_DELAY_SECONDS))
    expect(REAL_DELAY_SECONDS).toBeGreaterThan(STAKE.unbondSeconds)
  })

  describe('whose money is worth something', () => {
    const refused = async (options: DeployOptions): Promise<string> => {
      const count = () => read().getTransactionCount({ address: account.address })
      const before = await count()
      const said = await deployNetwork(anvil.rpcUrl, account, options).then(
        () => 'It was deployed.',
        (thrown: Error) => thrown.message,
      )
      expect(await count(), said).toBe(before)
      return said
    }

    it('is refused without a coin', async () => {
      expect(await refused({ isTest: false })).toMatch(
        /^Nothing was deployed: .* Name a real coin with --coin/,
      )
    })

    it('is refused with a coin that anybody may mint', async () => {
      const { coin } = network.addresses
      expect(await refused({ isTest: false, coin })).toMatch(/anybody may mint tUSD, .* Name another coin/)
    })

    it('is refused where a vote has its effect before stake can leave', async () => {
      const { token: coin } = network.addresses
      for (const isTest of [false, undefined]) {
        const options = {
          coin,
          timelockDelaySeconds: STAKE.unbondSeconds,
          ...(isTest === false ? { isTest } : {}),
        }
        expect(await refused(options)).toMatch(/takes 604800 seconds to leave.* Say --timelock-delay 691200/)
      }
    })
  })

  it('is refused with a coin that tells no decimals, or too many', async () => {
    const deployWith = (coin: Address) => deployNetwork(anvil.rpcUrl, account, { coin })
    await expect(deployWith(account.address)).rejects.toThrow(/does not tell its symbol and decimals/)
    await expect(deployWith(await takesAll())).rejects.toThrow(/Nothing was deployed: TAKE has 32 decimals/)
  })

  it('does not take a coin for free because it takes any call', async () => {
    expect(await readCoin(read(), await takesAll())).toEqual({ symbol: 'TAKE', decimals: 32, isFree: false })
    expect(await readCoin(read(), network.addresses.coin)).toMatchObject({ symbol: 'tUSD', isFree: true })
  })

  it('comes about by one command, too, which writes the one file', async () => {
    await inFolder(async (out) => {
      command('--out', out, '--name', 'test', '--coin', network.addresses.coin)
      const written = parseNetworkFile(JSON.parse(readFileSync(out, 'utf8')))
      expect(written).toMatchObject({ name: 'test', chainId: 31337, isTest: true, nativeSymbol: 'ETH' })
      const [inf, coin] = written.escrows
      expect(inf).toMatchObject({ asset: written.contracts.token, symbol: 'INF', decimals: 18 })
      expect(coin).toMatchObject({ asset: network.addresses.coin, symbol: 'tUSD', decimals: 6 })
      expect(inf?.escrow).not.toBe(network.addresses.escrow)
      expect(await delayOf(written.contracts.timelock)).toBe(691_200n)
    })
  })

  it.each([
    { flags: ['--real-money'], says: 'Name a real coin with --coin ADDRESS' },
    { flags: ['--timelock-delay', ''], says: '--timelock-delay is a whole number of seconds' },
  ])('is refused by the command with $flags, which writes no file', async ({ flags, says }) => {
    await inFolder(async (out) => {
      expect(() => command('--out', out, ...flags)).toThrow(says)
      expect(existsSync(out)).toBe(false)
    })
  })

  const delayOf = (timelock: Address): Promise<bigint> =>
    read().readContract({ address: timelock, abi: timelockAbi, functionName: 'getMinDelay' })

  const takesAll = async (): Promise<Address> => {
    const address = `0x${'7a'.repeat(20)}` as const
    const client = createTestClient({ mode: 'anvil', transport: http(anvil.rpcUrl) })
    await client.setCode({ address, bytecode: TAKES_ALL })
    return address
  }

  const command = (...flags: string[]): void => {
    const script = fileURLToPath(new URL('deploy.ts', import.meta.url))
    execFileSync(process.execPath, [script, '--rpc', anvil.rpcUrl, ...flags], {
      env: { ...process.env, INFERNET_DEPLOYER_KEY: ACCOUNT_KEY },
      stdio: 'pipe',
    })
  }
})

async function inFolder(use: (out: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'infernet-network-'))
  try {
    await use(join(folder, 'network.json'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
