import type { Aim } from '../figure.ts'

/** What stands beside a call: a call of a contract that does the same for the payee, and less for everybody else. */
export interface Peer {
  readonly peer: string
  readonly gas: number
}

/**
 * Two channel escrows that were sketched and measured to know what is possible: receipts of anvil, cancun, a token with
 * votes. Neither has sessions, bonds, stake, royalties nor shares. One pays with each claim; in the lean one, as in
 * ours, claims only account and the payee sweeps.
 */
const plain = (call: string, gas: number): Peer => ({ peer: `escrow sketch: ${call}`, gas })
const lean = (call: string, gas: number): Peer => ({ peer: `escrow sketch, lean: ${call}`, gas })

/** By metric. A call that the sketches have not has no peer. */
export const PEERS: Readonly<Record<string, readonly Peer[]>> = {
  'gas.deployToken': [plain('deploy token', 2_004_636)],
  'gas.deployEscrow': [plain('deploy escrow', 1_512_379)],
  'gas.approve': [plain('approve', 46_724)],
  'gas.transfer': [plain('transfer', 39_155)],
  'gas.transferDelegated': [plain('transfer, sender delegated', 49_487)],
  'gas.delegate': [plain('delegate', 95_405)],
  'gas.deposit': [plain('open, approved', 124_969), lean('open', 71_772)],
  'gas.depositWithSession': [plain('open, approved', 124_969)],
  'gas.depositWithSessionAndPermit': [plain('open with permit', 163_669)],
  'gas.claimFirst': [plain('redeem, first', 79_441)],
  'gas.claimRepeat': [plain('redeem, next', 62_341), lean('claim x1', 42_820)],
  'gas.claimBatchMarginal': [
    plain('redeem x10, each', 271_542 / 10),
    lean('claim x100, each more', (1_591_089 - 42_820) / 99),
  ],
  'gas.sweepFirst': [lean('sweep, first', 59_446)],
  'gas.sweepNext': [lean('sweep, next', 42_346)],
  'gas.requestWithdrawal': [plain('request close', 28_700)],
  'gas.withdraw': [plain('close by payee', 55_707)],
}

/** By metric. */
export const AIMS: Readonly<Record<string, Aim>> = {
  'gas.claimRepeat': { atMost: 60_000 },
  // Each further voucher costs, whatever the code: three cold slots that change, the account, the session and the line
  // (15,000); calldata (2,100); the recovery (3,100); the event (2,500): 22,700. The lean sketch has one slot where one
  // deposit for all providers takes two and a capped session the third.
  'gas.claimBatchMarginal': { atMost: 28_000 },
  'gas.depositWithSession': { atMost: 120_000 },
  'gas.depositWithSessionAndPermit': { atMost: 170_000 },
  'gas.stake': { atMost: 110_000 },
}
