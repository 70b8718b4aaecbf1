import { parseTransaction, type Hex, type TypedDataDefinition } from 'viem'
import type { Call } from '#shared/chain/calls.ts'
import { raised } from '#shared/chain/fees.ts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import { isTooCheap } from '#shared/chain/node-error.ts'
import { broadcast, signRaw, type SendDoubt } from '#shared/chain/send-raw.ts'
import { raceSignal } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ChainClient } from './chain-client.ts'
import { SPEED_UP_PERMILLE } from './constants.ts'
import { explainFailure } from './explain-failure.ts'
import type { LockedAccount } from './locked-account.ts'
import type { Note, SendAgain, SendAnswer, SendOptions, Signer } from './signer.ts'
import { recordOf, type TransactionRecord } from './transaction-record.ts'

export interface TabSignerComponents {
  /** A locked one is opened before its number and fee are read, and before others wait for it. */
  readonly account: KeyVault & Partial<Pick<LockedAccount, 'open'>>
  readonly client: ChainClient
  /** Runs one task at a time over all tabs that hold this key, so that no two take the same nonce. */
  readonly exclusive: <T>(task: () => Promise<T>) => Promise<T>
}

/** The wallet in this tab: it signs without asking, because the button was the question. */
export function createTabSigner({ account, client, exclusive }: TabSignerComponents): Signer {
  const chainId = client.chain.id

  async function send({ to, data, value = 0n, gas }: Call & { gas: bigint }, options: SendOptions) {
    const { signal, base, note } = options
    await account.open?.({ signal })
    return exclusive(async () => {
      const [nonce, fees] = await Promise.all([
        options.nonce ?? client.getTransactionCount({ address: account.address, blockTag: 'pending' }),
        client.estimateFeesPerGas(),
      ])
      // In the place of another one it must pay more, or nodes that have that one refuse it; and it is never the same bytes.
      const offered = options.nonce === undefined ? fees : raised(fees, fees, SPEED_UP_PERMILLE)
      const { raw, hash } = await signRaw(account, { chainId, to, data, value, gas, nonce, ...offered })
      signal.throwIfAborted()
      const record = recordOf(base, { nonce, hashes: [hash], raws: [raw], state: 'signed' })
      await note(record)
      return (await give(client, record, note)).answer
    })
  }

  /** The same for a higher fee. What was signed first stays good, so its number stays the same. */
  async function replace(record: TransactionRecord, note: Note): Promise<SendAnswer> {
    const old = lastOf(record)
    const fees = raised(old, await client.estimateFeesPerGas(), SPEED_UP_PERMILLE)
    const { raw, hash } = await signRaw(account, { ...old, ...fees, chainId })
    const both = { ...record, hashes: [...record.hashes, hash], raws: [...record.raws, raw] }
    await note(both)
    return (await give(client, both, note)).answer
  }

  const speedUp: SendAgain = async (record, { note, signal }) => {
    await account.open?.({ signal })
    return exclusive(() => replace(record, note))
  }

  async function signTypedData(data: TypedDataDefinition, signal: AbortSignal): Promise<Hex> {
    await account.open?.({ signal })
    return account.signTypedData(data)
  }

  const sendAgain: SendAgain = (record, { note }) =>
    exclusive(async () => {
      const { answer, refusal } = await give(client, record, note)
      return refusal && isTooCheap(refusal) ? replace(record, note) : answer
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
    asks: account.open !== undefined,
    sendAgain: (record, options) => named(sendAgain(record, options), options.signal),
    speedUp: (record, { note, signal }) => named(speedUp(record, { note, signal }), signal),
    signTypedData: (data, { signal }) => named(signTypedData(data, signal), signal),
    batching: () => Promise.resolve(undefined),
    switchChain: (network) =>
      network.chainId === chainId
        ? Promise.resolve()
        : Promise.reject(new InfernetError('wallet.foreign-node', { got: chainId, wanted: network.chainId })),
    onChange: () => () => undefined,
  }
}

/** Gives a node what was signed last. A node that does not answer may have taken it; one that refuses may yet keep it. */
async function give(
  client: ChainClient,
  record: TransactionRecord,
  note: Note,
): Promise<Partial<SendDoubt> & { readonly answer: SendAnswer }> {
  const [raw, hash] = [record.raws.at(-1), record.hashes.at(-1)]
  if (!raw || !hash) throw new InfernetError('wallet.key-lost')
  const doubt = await broadcast(client, { raw, hash })
  if (doubt) return { ...doubt, answer: { record, doubt: explainFailure(doubt.cause) } }
  const sent = { ...record, state: 'sent' } as const
  await note(sent).catch(() => undefined) // that it was signed is on record
  return { answer: { record: sent, doubt: undefined } }
}

function lastOf({ raws }: TransactionRecord) {
  const raw = raws.at(-1)
  if (!raw) throw new InfernetError('wallet.key-lost')
  const signed = parseTransaction(raw as `0x02${string}`)
  const { to, data, value, gas, nonce, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = signed
  return { to, data, value, gas, nonce, maxFeePerGas, maxPriorityFeePerGas }
}
