import { peerIdFromString } from '@libp2p/peer-id'
import { getAddress, toHex, type Address, type Hex } from 'viem'
import * as v from 'valibot'
import { chainAddress, type PeerName } from '#shared/base/ids.ts'
import type { Clock } from '#shared/base/clock.ts'
import { bindingForChain } from '#shared/chain/bindings.ts'
import { payingEscrow } from '#shared/chain/paying-escrow.ts'
import { receiptOf } from '#shared/chain/receipts.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { bindProvidingName } from '../../mesh/identity.ts'
import { openMoneyStore } from '../../storage/money.ts'
import { openSealedKeys } from '../../storage/sealed-keys.ts'
import { RunningAct } from '../../wallet/act.ts'
import { createChainClient, createWitnesses } from '../../wallet/chain-client.ts'
import { isConfirmedBy } from '../../wallet/confirm-snapshot.ts'
import { depositWay } from '../../wallet/deposit.ts'
import { explainFailure } from '../../wallet/explain-failure.ts'
import { createFaucet } from '../../wallet/faucet.ts'
import { connectInjected } from '../../wallet/injected-signer.ts'
import { findInjectedWallets } from '../../wallet/injected-wallets.ts'
import { TabKeys, type SealedKey, type Unlock } from '../../wallet/tab-keys.ts'
import { lookUp } from '../../wallet/look-up.ts'
import { Payments } from '../../wallet/payments.ts'
import { escrowOf, readClaimable, readPots } from '../../wallet/read-lines.ts'
import { readSnapshot } from '../../wallet/read-snapshot.ts'
import { createTabSigner } from '../../wallet/tab-signer.ts'
import { isUndecided, mergeEntries, type MoneyEntry } from '../money/money-entries.ts'
import type { MoneyServices } from '../money/money-services.ts'
import { underPage } from './address.ts'
import { fetchNetwork } from './fetch-network.ts'

const infoSchema = v.pick(networkInfoSchema, ['chain', 'payee', 'faucet'])

/**
 * The wallet of the network that this page belongs to; `undefined` where answers are free.
 *
 * @throws InfernetError `schedule.no-relay`, `settle.bad-network-file`
 */
export async function openMoney(
  clock: Clock,
  { signal, unlock }: { signal: AbortSignal; unlock: Unlock },
): Promise<MoneyServices | undefined> {
  const info = v.safeParse(infoSchema, await fetchNetwork(signal))
  if (!info.success)
    throw new InfernetError('settle.bad-network-file', { field: v.getDotPath(info.issues[0]) ?? 'file' })
  const { chain: network, payee, faucet } = info.output
  if (network === undefined) return undefined
  const client = createChainClient(network, underPage('/rpc'))
  const witnesses = createWitnesses(network)
  const store = openMoneyStore<MoneyEntry>(undefined, {
    merge: mergeEntries,
    mayGo: (entry) => !isUndecided(entry),
  })
  const vault = new TabKeys(openSealedKeys<SealedKey>(), () => clock.now(), {
    unlock: { ask: unlock, clock },
  })
  const models = network.contracts.models
  const never = new AbortController().signal
  const payments = new Payments({
    clock,
    network,
    client,
    vault,
    ledger: store.ledger,
    relayPayee: payee && getAddress(payee),
  })
  return {
    network,
    vault,
    injected: findInjectedWallets(),
    faucet: faucet ? createFaucet(underPage('/faucet'), payingEscrow(network).symbol) : undefined,
    entries: store.movements,
    ledger: store.ledger,
    payments,
    peerKey: rawPeerKey,
    async bind(operator) {
      const { chainId, contracts } = network
      const terms = { chainId, stake: chainAddress(contracts.stake), operator: chainAddress(operator) }
      const signed = await bindProvidingName(terms)
      if (!signed) throw new InfernetError('wallet.no-name')
      return bindingForChain(signed.key, signed.binding)
    },
    async tabSigner(address) {
      const account = await vault.wallet(address)
      return createTabSigner({ account, client, exclusive: (task) => exclusive(address, task) })
    },
    connect: (wallet, options) => connectInjected(clock, network, wallet, options),
    read: (question) => readSnapshot(client, network, question),
    confirm: (snapshot) => isConfirmedBy(witnesses, network, snapshot),
    readClaimable: (escrow, entries) => readClaimable(client, escrow, entries),
    dailyLeft: (escrow, provider) => escrowOf(client, escrow).dailyLeft(provider),
    payerDailyLeft: (escrow, payer) => escrowOf(client, escrow).payerDailyLeft(payer),
    tryClaim: (escrow, { from, entries }) => escrowOf(client, escrow).refusalOfBatch(entries, from),
    readPots: ({ escrow, shares }, lines) => readPots(client, { escrow, models, shares }, lines),
    claimed: (line, options) => payments.chain.claimed(line, options),
    chain: payments.chain,
    async gasPrice() {
      try {
        return (await client.estimateFeesPerGas()).maxFeePerGas
      } catch (thrown) {
        throw explainFailure(thrown)
      }
    },
    async outcome(hash) {
      const receipt = await receiptOf(client, [hash])
      return receipt && { block: Number(receipt.blockNumber), succeeded: receipt.status === 'success' }
    },
    lookUp: (record, isForeign) => lookUp(client, record, isForeign),
    act: (signer, options) => new RunningAct({ signer, client, network, clock }, options),
    depositWay: (signer, init) =>
      depositWay({ client, signer, account: signer.address, signal: never }, init),
  }
}

function rawPeerKey(name: PeerName): Hex {
  const { publicKey } = peerIdFromString(name)
  if (publicKey?.type !== 'Ed25519') throw new InfernetError('wallet.failed')
  return toHex(publicKey.raw)
}

/** One tab of this browser at a time sends from an address: two would take the same number. */
async function exclusive<T>(address: Address, task: () => Promise<T>): Promise<T> {
  if (!('locks' in navigator)) return task()
  // The lock's own type wraps what the task gives once more than it should.
  return await navigator.locks.request(`infernet/wallet/${address.toLowerCase()}`, task)
}
