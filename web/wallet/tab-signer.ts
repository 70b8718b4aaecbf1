import {
  BaseError,
  keccak256,
  parseTransaction,
  type FeeValuesEIP1559,
  type Hash,
  type Hex,
  type TransactionSerializableEIP1559,
} from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { estimateFeesPerGas, getTransaction, getTransactionCount, sendRawTransaction } from 'viem/actions'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ChainClient } from './chain-client.ts'
import { SPEED_UP } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import type { Call } from './call.ts'
import type { Note, SendAgain, SendAnswer, SendOptions, Signer } from './signer.ts'
import { recordOf, type TransactionRecord } from './transaction-record.ts'

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
  ): Promise<{ raw: Hex; hash: Hash }> {
    const raw = await account.signTransaction({ ...request, type: 'eip1559', chainId })
    return { raw, hash: keccak256(raw) }
  }

  async function send({ to, data, value = 0n, gas }: Call & { gas: bigint }, options: SendOptions) {
    const { signal, base, note } = options
    return exclusive(async () => {
      const [nonce, fees] = await Promise.all([
        options.nonce ?? getTransactionCount(client, { address: account.address, blockTag: 'pending' }),
        estimateFeesPerGas(client),
      ])
      // In the place of another one it must pay more, or nodes that have that one refuse it; and it is never the same bytes.
      const offered =
        options.nonce === undefined
          ? fees
          : {
              maxFeePerGas: raised(fees.maxFeePerGas),
              maxPriorityFeePerGas: raised(fees.maxPriorityFeePerGas),
            }
      const { raw, hash } = await sign({ to, data, value, gas, nonce, ...offered })
      signal.throwIfAborted()
      const record = recordOf(base, { nonce, hashes: [hash], raws: [raw], state: 'signed' })
      await note(record)
      return (await broadcast(client, record, note)).answer
    })
  }

  /** The same for a higher fee. What was signed first stays good, so its number stays the same. */
  async function replace(record: TransactionRecord, note: Note): Promise<SendAnswer> {
    const old = lastOf(record)
    const fees = await estimateFeesPerGas(client)
    const { raw, hash } = await sign({
      ...{ to: old.to, data: old.data, value: old.value, gas: old.gas, nonce: old.nonce },
      maxFeePerGas: larger(fees.maxFeePerGas, raised(old.maxFeePerGas)),
      maxPriorityFeePerGas: larger(fees.maxPriorityFeePerGas, raised(old.maxPriorityFeePerGas)),
    })
    const both = { ...record, hashes: [...record.hashes, hash], raws: [...record.raws, raw] }
    await note(both)
    return (await broadcast(client, both, note)).answer
  }

  const sendAgain: SendAgain = (record, { note }) =>
    exclusive(async () => {
      const { answer, refusal } = await broadcast(client, record, note)
      return isTooCheap(refusal) ? replace(record, note) : answer
    })

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
    send: (call, options) => named(send(call, options), options.signal),
    sendAgain: (record, options) => named(sendAgain(record, options), options.signal),
    speedUp: (record, { note, signal }) =>
      named(
        exclusive(() => replace(record, note)),
        signal,
      ),
    signTypedData: (data, { signal }) => named(account.signTypedData(data), signal),
    batching: () => Promise.resolve(undefined),
    switchChain: (network) =>
      network.chainId === chainId
        ? Promise.resolve()
        : Promise.reject(new InfernetError('wallet.foreign-node', { got: chainId, wanted: network.chainId })),
    onChange: () => () => undefined,
  }
}

/** Gives a node what was signed last. A node that does not answer may have taken it; one that refuses may yet keep it. */
async function broadcast(
  client: ChainClient,
  record: TransactionRecord,
  note: Note,
): Promise<{ readonly answer: SendAnswer; readonly refusal: unknown }> {
  const [raw, hash] = [record.raws.at(-1), record.hashes.at(-1)]
  if (!raw || !hash) throw new InfernetError('wallet.key-lost')
  let refusal: unknown
  try {
    await sendRawTransaction(client, { serializedTransaction: raw })
  } catch (thrown) {
    // An answer that was lost on its way is followed by "already known": then a node has it.
    const known = await getTransaction(client, { hash }).catch(() => undefined)
    if (!known) refusal = thrown ?? new Error('no reason')
  }
  if (refusal !== undefined) return { answer: { record, doubt: explainFailure(refusal) }, refusal }
  const sent = { ...record, state: 'sent' } as const
  await note(sent).catch(() => undefined) // that it was signed is on record
  return { answer: { record: sent, doubt: undefined }, refusal }
}

function lastOf({ raws }: TransactionRecord) {
  const raw = raws.at(-1)
  if (!raw) throw new InfernetError('wallet.key-lost')
  const {
    to,
    data,
    value,
    gas,
    nonce,
    maxFeePerGas = 0n,
    maxPriorityFeePerGas = 0n,
  } = parseTransaction(raw as `0x02${string}`) as TransactionSerializableEIP1559 & Partial<FeeValuesEIP1559>
  return { to, data, value, gas, nonce, maxFeePerGas, maxPriorityFeePerGas }
}

/** The chain asks for more than was offered. That another one of the same number is dearer is no reason to raise. */
function isTooCheap(refusal: unknown): boolean {
  if (!(refusal instanceof BaseError)) return false
  const text = `${refusal.details} ${refusal.message}`.toLowerCase()
  if (text.includes('replacement')) return false
  return /base fee|basefee|fee cap|underpriced|fee too low/.test(text)
}

function raised(fee: bigint): bigint {
  return (fee * SPEED_UP.numerator) / SPEED_UP.denominator + 1n
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
