import type { Address } from 'viem'
import type { BindingOnChain } from '#shared/chain/bindings.ts'
import {
  claimCall,
  collectCall,
  erc20Call,
  escrowData,
  stakeData,
  sweepCall,
  type Call,
  type Pot,
} from '#shared/chain/calls.ts'
import type { ChainVoucher } from '#shared/chain/encode-claim.ts'
import { assetAt, escrowAt } from '#shared/chain/reads.ts'
import type { Act } from './act.ts'
import type { SessionLimits } from './deposit.ts'

export function authorizeSession(escrow: Address, { key, cap, expiry }: SessionLimits): Act {
  return one('session', { to: escrow, data: escrowData('authorizeSession', [key, cap, expiry]) })
}

export function revokeSession(escrow: Address, key: Address): Act {
  return one('revoke', { to: escrow, data: escrowData('revokeSession', [key]) })
}

export function requestWithdrawal(escrow: Address): Act {
  return one('request', { to: escrow, data: escrowData('requestWithdrawal', []) })
}

export function cancelWithdrawal(escrow: Address): Act {
  return one('cancel', { to: escrow, data: escrowData('cancelWithdrawal', []) })
}

export function withdraw(escrow: Address): Act {
  return one('withdraw', { to: escrow, data: escrowData('withdraw', []) })
}

/** Ends the payer's own default after its window, so that it can deposit again. */
export function settleDefault(escrow: Address, payer: Address): Act {
  return one('settle', { to: escrow, data: escrowData('settleDefault', [payer]) })
}

export type ClaimEntry = ChainVoucher
export type EarnedLine = Pot

export interface ClaimInit {
  readonly escrow: Address
  /** Each adds something now: one that does not would revert them all. */
  readonly vouchers: readonly ClaimEntry[]
  /** Pots that hold something, or will after the claim. */
  readonly pots: readonly EarnedLine[]
  /** Whose credit is fetched, if any. */
  readonly credit: Address | undefined
}

/** Vouchers in one claim. Relays pass on calls of 3 million gas; a payer's first voucher takes 98,000 of them. */
export const CLAIMS_AT_ONCE = 24

/** Brings vouchers to the chain, splits what they paid, and fetches credits: one approval where the wallet can. */
export function claim({ escrow, vouchers, pots, credit }: ClaimInit): Act {
  return async (tools) => {
    const steps: ClaimStep[] = []
    for (let i = 0; i < vouchers.length; i += CLAIMS_AT_ONCE)
      steps.push({ what: 'claim', call: claimCall(escrow, vouchers.slice(i, i + CLAIMS_AT_ONCE)) })
    for (const pot of pots)
      steps.push({
        what: 'sweep',
        call: sweepCall(escrow, pot),
        // A relay that carries claims sweeps as well, and an empty pot is refused.
        isNeeded: async () => {
          const read = escrowAt(tools.client, escrow)
          return (await read('potOf', pot.provider, pot.model, pot.relay)).gross > 0n
        },
      })
    if (credit) steps.push({ what: 'collect', call: collectCall(escrow, credit) })
    tools.expect(1)
    const calls = steps.map(({ call }) => call)
    if (steps.length > 1 && (await tools.sendTogether('claim', calls))) return
    tools.expect(steps.length)
    for (const { what, call, isNeeded } of steps)
      if (!isNeeded || (await isNeeded())) await tools.send(what, call)
  }
}

interface ClaimStep {
  readonly what: string
  readonly call: Call
  readonly isNeeded?: () => Promise<boolean>
}

export interface StakeInit {
  readonly stake: Address
  readonly asset: Address
  readonly amount: bigint
  /** By the key that this tab provides under; only for who is not registered yet. */
  readonly bind: Bind | undefined
}

/** Signs with a peer's key that an operator is its own. @throws InfernetError */
export type Bind = (operator: Address) => Promise<BindingOnChain>

/** Registers and stakes, or adds to the stake. */
export function stakeMore({ stake, asset, amount, bind }: StakeInit): Act {
  return async (tools) => {
    const binding = await bind?.(tools.account)
    const data = binding ? stakeData('register', [binding, amount]) : stakeData('add', [amount])
    if ((await assetAt(tools.client, asset)('allowance', tools.account, stake)) < amount) {
      const approve = erc20Call(asset, 'approve', [stake, amount])
      tools.expect(1)
      if (await tools.sendTogether('stake', [approve, { to: stake, data }])) return
      tools.expect(2)
      await tools.send('allow', approve)
    }
    await tools.send('stake', { to: stake, data })
  }
}

export function unbond(stake: Address, amount: bigint): Act {
  return one('unbond', { to: stake, data: stakeData('unbond', [amount]) })
}

export function cancelUnbond(stake: Address): Act {
  return one('cancel', { to: stake, data: stakeData('cancelUnbond', []) })
}

export function withdrawStake(stake: Address): Act {
  return one('withdraw', { to: stake, data: stakeData('withdraw', []) })
}

/** Another name for the same stake: the tab provides under a new key. */
export function setPeerKey(stake: Address, bind: Bind): Act {
  return async (tools) => {
    const data = stakeData('setPeerKey', [await bind(tools.account)])
    await tools.send('name', { to: stake, data })
  }
}

/** Sends an asset to somebody. */
export function transfer(asset: Address, to: Address, amount: bigint): Act {
  return one('send', erc20Call(asset, 'transfer', [to, amount]))
}

/** Sends the coin that pays for gas to somebody. */
export function transferCoin(to: Address, amount: bigint): Act {
  return one('send', { to, data: '0x', value: amount })
}

function one(what: string, call: Call): Act {
  return async (tools) => {
    tools.expect(1)
    await tools.send(what, call)
  }
}
