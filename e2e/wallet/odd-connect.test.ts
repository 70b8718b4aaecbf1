import type { EIP1193Provider } from 'viem'
import { describe, expect, test } from 'vitest'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { connectInjected } from '../../web/wallet/injected-signer.ts'
import type { InjectedWallet } from '../../web/wallet/injected-wallets.ts'
import type { Signer } from '../../web/wallet/signer.ts'
import { installOddWallet, type OddMode, type OddWallet, type OddWalletInit } from './odd-wallet.ts'

const CHAIN = 31_337
const ACCOUNT = '0x00000000000000000000000000000000000000A1'
const STYLES = ['usual', 'plain-errors', 'no-on'] as const
const LONG_MS = 11 * 60_000
const signal = new AbortController().signal
// Of a network, connecting reads these alone.
const network = {
  ...{ chainId: CHAIN, name: 'Test', nativeSymbol: 'ETH', isTest: true, rpcUrls: ['http://127.0.0.1:1'] },
} as unknown as NetworkFile

type Style = OddWalletInit['style']

interface Set {
  readonly clock: FakeClock
  readonly odd: OddWallet
  readonly connect: (mayAsk?: boolean) => Promise<Signer | undefined>
}

function install(mode: OddMode, style: Style, chainId = CHAIN): Set {
  const target = new EventTarget()
  let provider: EIP1193Provider | undefined
  target.addEventListener('eip6963:announceProvider', (event) => {
    provider = (event as CustomEvent<{ provider: EIP1193Provider }>).detail.provider
  })
  const names = { name: 'Odd', rdns: 'odd.example', canBatch: false }
  const init = { ...names, rpcUrl: 'http://127.0.0.1:1', chainId, accounts: [ACCOUNT], style }
  const odd = installOddWallet(init, target)
  odd.mode = mode
  const clock = new FakeClock()
  const wallet: InjectedWallet = { ...names, icon: undefined, provider: provider! }
  const connect = (mayAsk = true) => connectInjected(clock, network, wallet, { signal, mayAsk })
  return { clock, odd, connect }
}

/** The error of a wait that is not to be waited for. */
async function failure(clock: FakeClock, task: Promise<unknown>): Promise<InfernetError> {
  const caught = task.then(
    () => expect.fail('it went well'),
    (thrown: unknown) => thrown as InfernetError,
  )
  await clock.advance(LONG_MS)
  return caught
}

describe.each(STYLES)('connecting an odd wallet (%s)', (style) => {
  test.each([
    ['reject', 'wallet.rejected'],
    ['reject-wrapped', 'wallet.rejected'],
    ['reject-string', 'wallet.failed'],
    ['reject-undefined', 'wallet.failed'],
    ['empty', 'wallet.disconnected'],
    ['disconnected', 'wallet.disconnected'],
    ['connect-hang', 'wallet.silent'],
    ['chain-hang', 'wallet.no-answer'],
  ] as const)('says no more than is known: %s', async (mode, code) => {
    const { clock, odd, connect } = install(mode, style)
    const error = await failure(clock, connect())
    expect(error.code).toBe(code)
    expect(`${error.message} ${error.fix}`).not.toMatch(/No money moved|Nothing moved/)
    if (code === 'wallet.no-answer') expect(error.message, 'it did show an account').not.toContain('account')
    expect(odd.asked.filter((method) => /send/i.test(method))).toEqual([])
  })

  test('names the question that a wallet still shows', async () => {
    const { clock, connect } = install('connect-hang', style)
    const first = failure(clock, connect())
    expect((await failure(clock, connect())).code).toBe('wallet.waiting')
    expect((await first).code).toBe('wallet.silent')
  })

  test('takes a locked wallet when it is asked, and none without asking', async () => {
    const { connect } = install('locked', style)
    expect(await connect(false)).toBeUndefined()
    expect((await connect())?.address).toBe(ACCOUNT)
  })

  test.each(['chain-number', 'chain-decimal'] as const)('reads the chain from its %s', async (mode) => {
    const { connect } = install(mode, style)
    expect((await connect())?.chainId).toBe(CHAIN)
  })

  test.each([
    ['switch-lies', 'wallet.wrong-chain'],
    ['switch-unsupported', 'wallet.unsupported'],
    ['switch-late', 'wallet.wrong-chain'],
  ] as const)('believes the chain that it is on, not its answer: %s', async (mode, code) => {
    const { clock, connect } = install(mode, style, 1)
    const signer = (await connect())!
    expect((await failure(clock, signer.switchChain(network, { signal }))).code).toBe(code)
    expect(signer.chainId).toBe(1)
  })

  test('signs for the account that was meant, or not at all', async () => {
    const { odd, connect } = install('', style)
    const signer = (await connect())!
    const sign = (account = signer.address) =>
      signer.signTypedData(
        { domain: {}, types: {}, primaryType: 'EIP712Domain', message: {} },
        { account, signal },
      )
    const meant = signer.address
    odd.accounts = ['0x00000000000000000000000000000000000000B2'] // and it does not tell
    await expect(sign(meant)).rejects.toMatchObject({ code: 'wallet.other-account' })
    odd.mode = 'locked'
    await expect(sign(meant)).rejects.toMatchObject({ code: 'wallet.disconnected' })
    odd.mode = ''
    odd.chain = 1
    await expect(sign(meant)).rejects.toMatchObject({ code: 'wallet.wrong-chain' })
    expect(odd.asked.filter((method) => /sign/i.test(method))).toEqual([])
  })

  test('sees at its own look what a wallet did not tell', async () => {
    const { odd, connect } = install('', style)
    const signer = (await connect())!
    let told = 0
    signer.onChange(() => told++)
    odd.accounts = ['0x00000000000000000000000000000000000000B2']
    odd.chain = 1
    await signer.look!({ signal })
    expect([signer.address.slice(-2).toUpperCase(), signer.chainId, told]).toEqual(['B2', 1, 1])
    await signer.look!({ signal })
    expect(told, 'nothing new').toBe(1)
  })

  test('adds a chain that a wallet says in its own way that it does not know', async () => {
    const { clock, odd, connect } = install('switch-wrapped', style, 1)
    const signer = (await connect())!
    const switched = signer.switchChain(network, { signal })
    odd.mode = ''
    await clock.advance(1000)
    await switched
    expect([signer.chainId, odd.asked.includes('wallet_addEthereumChain')]).toEqual([CHAIN, true])
  })
})
