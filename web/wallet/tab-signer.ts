import { keccak256, type Hash, type TransactionSerializableEIP1559 } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { estimateFeesPerGas, getTransaction, getTransactionCount, sendRawTransaction } from 'viem/actions'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ChainClient } from './chain-client.ts'
import { SPEED_UP } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import type { Call, SentTransaction, Signer } from './signer.ts'

export interface TabSignerComponents {
  readonly account: PrivateKeyAccount
  readonly client: ChainClient
  /** Runs one task at a time over all tabs that hold this key, so that no two take the same nonce. */
  readonly exclusive: <T>(task: () => Promise<T>) => Promise<T>
}

/** The wallet in this tab: it signs without asking, because the button was the question. */
export function createTabSigner({ account, client, exclusive }: TabSignerComponents): Signer {
  const chainId = client.chain.id

  async function sign(
    request: Omit<TransactionSerializableEIP1559, 'type' | 'chainId'>,
  ): Promise<{ raw: `0x${string}`; hash: Hash }> {
    const raw = await account.signTransaction({ ...request, type: 'eip1559', chainId })
    return { raw, hash: keccak256(raw) }
  }

  async function broadcast(raw: `0x${string}`, hash: Hash): Promise<void> {
    try {
      await sendRawTransaction(client, { serializedTransaction: raw })
    } catch (thrown) {
      // An answer that was lost on its way is followed by "already known": then a node has it.
      const known = await getTransaction(client, { hash }).catch(() => undefined)
      if (!known) throw thrown
    }
  }

  async function send({ to, data, value = 0n, gas }: Call & { gas: bigint }): Promise<SentTransaction> {
    return exclusive(async () => {
      const [nonce, fees] = await Promise.all([
        getTransactionCount(client, { address: account.address, blockTag: 'pending' }),
        estimateFeesPerGas(client),
      ])
      const { raw, hash } = await sign({ to, data, value, gas, nonce, ...fees })
      await broadcast(raw, hash)
      return { hash, nonce }
    })
  }

  async function speedUp({ hash }: SentTransaction): Promise<SentTransaction> {
    return exclusive(async () => {
      const [old, fees] = await Promise.all([getTransaction(client, { hash }), estimateFeesPerGas(client)])
      const { to, input: data, value, gas, nonce } = old
      const again = await sign({
        to,
        data,
        value,
        gas,
        nonce,
        maxFeePerGas: larger(fees.maxFeePerGas, raised(old.maxFeePerGas ?? old.gasPrice ?? 0n)),
        maxPriorityFeePerGas: larger(fees.maxPriorityFeePerGas, raised(old.maxPriorityFeePerGas ?? 0n)),
      })
      await broadcast(again.raw, again.hash)
      return { hash: again.hash, nonce }
    })
  }

  const named = async <T>(task: Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return await raceSignal(task, signal)
    } catch (thrown) {
      throw explainFailure(thrown)
    }
  }

  return {
    kind: 'tab',
    name: 'Wallet in this tab',
    icon: undefined,
    address: account.address,
    chainId,
    send: (call, { signal }) => named(send(call), signal),
    speedUp: (sent, { signal }) => named(speedUp(sent), signal),
    signTypedData: (data, { signal }) => named(account.signTypedData(data), signal),
    batching: () => Promise.resolve(undefined),
    switchChain: (network) =>
      network.chainId === chainId
        ? Promise.resolve()
        : Promise.reject(new InfernetError('wallet.foreign-node', { got: chainId, wanted: network.chainId })),
    onChange: () => () => undefined,
  }
}

function raised(fee: bigint): bigint {
  return (fee * SPEED_UP.numerator) / SPEED_UP.denominator + 1n
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
