import { isAddressEqual, parseSignature, type Address, type Hex } from 'viem'
import { erc20Call, escrowData, type Call } from '#shared/chain/calls.ts'
import { isShownName } from '#shared/base/text-bounds.ts'
import { assetAt, permitAt } from '#shared/chain/reads.ts'
import type { Act, ActTools } from './act.ts'

/** What a session key may do. The expiry is in seconds. */
export interface SessionLimits {
  readonly key: Address
  readonly cap: bigint
  readonly expiry: number
}

export interface DepositInit {
  readonly escrow: Address
  readonly asset: Address
  readonly amount: bigint
  readonly session: SessionLimits | undefined
}

/** How a deposit is approved: known before the visitor is asked for the first time. */
export type DepositWay = 'allowed' | 'together' | 'permit' | 'approve'

/** A permit is good for this long: long enough for a person, short enough to be forgotten. */
const PERMIT_SECONDS = 30 * 60

/** Finds the way with the fewest approvals. */
export async function depositWay(
  tools: Pick<ActTools, 'client' | 'signer' | 'signal' | 'account'>,
  { asset, escrow, amount }: DepositInit,
): Promise<DepositWay> {
  const { client, signer, signal } = tools
  const [allowance, batches, isPermit] = await Promise.all([
    assetAt(client, asset)('allowance', tools.account, escrow),
    signer.batching({ account: tools.account, signal }),
    hasPermit(tools, asset),
  ])
  if (allowance >= amount) return 'allowed'
  if (batches) return 'together'
  return isPermit ? 'permit' : 'approve'
}

/** Deposits and, where a session is given, authorises its key in the same approval if the wallet can. */
export function deposit(init: DepositInit): Act {
  return async (tools) => {
    const { escrow, asset, amount } = init
    const way = await depositWay(tools, init)
    tools.expect(way === 'allowed' || way === 'together' ? 1 : 2)
    const approve = erc20Call(asset, 'approve', [escrow, amount])
    if (way === 'together' && (await tools.sendTogether('deposit', [approve, depositCall(init)]))) return
    if (way === 'permit') {
      const permit = await signPermit(tools, init)
      await tools.send('deposit', permitDepositCall(init, permit))
      return
    }
    if (way !== 'allowed') await tools.send('allow', approve)
    await tools.send('deposit', depositCall(init))
  }
}

function depositCall({ escrow, amount, session }: DepositInit): Call {
  const data = session
    ? escrowData('depositWithSession', [amount, session.key, session.cap, session.expiry])
    : escrowData('deposit', [amount])
  return { to: escrow, data }
}

interface Permit {
  readonly deadline: bigint
  readonly v: number
  readonly r: Hex
  readonly s: Hex
}

function permitDepositCall({ escrow, amount, session }: DepositInit, permit: Permit): Call {
  const data = session
    ? escrowData('depositWithSessionAndPermit', [amount, session.key, session.cap, session.expiry, permit])
    : escrowData('depositWithPermit', [amount, permit])
  return { to: escrow, data }
}

/** True where the asset knows ERC-2612, its name can be shown by a wallet as it is, and the wallet signs with a key: a contract's signature is no permit. */
async function hasPermit(
  { client, account }: Pick<ActTools, 'client' | 'account'>,
  asset: Address,
): Promise<boolean> {
  const read = permitAt(client, asset)
  try {
    const [code, domain] = await Promise.all([
      client.getCode({ address: account }),
      read('eip712Domain'),
      read('nonces', account),
    ])
    // Code of an account that delegates (EIP-7702) begins so; it has a key all the same.
    const hasKey = code === undefined || code.startsWith('0xef0100')
    const [fields, name, version, chainId, verifyingContract] = domain
    const isPlain =
      fields === '0x0f' && Number(chainId) === client.chain.id && isShownName(name) && isShownName(version)
    return hasKey && isPlain && isAddressEqual(verifyingContract, asset)
  } catch {
    return false
  }
}

async function signPermit(tools: ActTools, { asset, escrow, amount }: DepositInit): Promise<Permit> {
  const { client, account } = tools
  const read = permitAt(client, asset)
  const [[, name, version, chainId, verifyingContract], nonce, { timestamp }] = await Promise.all([
    read('eip712Domain'),
    read('nonces', account),
    // The chain's own time: a computer's clock may be off, and a local chain's may be ahead.
    client.getBlock(),
  ])
  const deadline = timestamp + BigInt(PERMIT_SECONDS)
  const signature = await tools.sign('permit', {
    domain: { name, version, chainId: Number(chainId), verifyingContract },
    types: {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Permit',
    message: { owner: account, spender: escrow, value: amount, nonce, deadline },
  })
  const { r, s, yParity } = parseSignature(signature)
  return { deadline, v: 27 + yParity, r, s }
}
