import { toFunctionSelector, type Abi, type Address, type Hex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import type { Call } from '#shared/chain/calls.ts'
import type { TestChain } from '../../chain/test-chain.ts'
import type { BenchOptions } from '../figure.ts'
import { AIMS, PEERS } from './beside.ts'

/** A contract whose every call is to be measured. */
interface Metered {
  readonly name: string
  readonly address: Address
  readonly abi: Abi
}

/** Sends real transactions, and prints what their receipts say. */
export class GasMeter {
  readonly chain: TestChain
  readonly #print: BenchOptions['print']
  readonly #measured = new Set<string>()

  constructor(chain: TestChain, print: BenchOptions['print']) {
    this.chain = chain
    this.#print = print
  }

  /** Gas of a transaction that nobody asked about. @throws viem's errors, and an Error for one that was reverted. */
  async send(from: PrivateKeyAccount, call: Call): Promise<number> {
    const receipt = await this.chain.wallet(from).sendTransactionSync(call)
    if (receipt.status !== 'success') throw new Error(`transaction ${receipt.transactionHash} was reverted`)
    return Number(receipt.gasUsed)
  }

  /** The same, printed as `gas.<name>`. */
  async measure(name: string, from: PrivateKeyAccount, call: Call): Promise<number> {
    const gas = await this.send(from, call)
    this.#measured.add(placeOf(call.to, (call.data ?? '0x').slice(0, 10) as Hex))
    this.print(name, gas)
    return gas
  }

  /** One line for each peer; that an aim is missed is said in the first. */
  print(name: string, gas: number): void {
    const metric = `gas.${name}`
    const [first, ...others] = PEERS[metric] ?? []
    const line = { bench: 'money', metric, value: gas, unit: 'gas' }
    const beside = (peer: typeof first) =>
      peer ? { ...line, peer: peer.peer, peerValue: peer.gas, ratio: peer.gas / gas } : line
    this.#print(beside(first), AIMS[metric])
    for (const other of others) this.#print(beside(other))
  }

  /** Calls that change something and that nobody measured. */
  unmeasured(contracts: readonly Metered[]): string[] {
    return contracts.flatMap(({ name, address, abi }) =>
      abi.flatMap((item) => {
        if (item.type !== 'function' || item.stateMutability !== 'nonpayable') return []
        return this.#measured.has(placeOf(address, toFunctionSelector(item))) ? [] : [`${name}.${item.name}`]
      }),
    )
  }
}

function placeOf(address: Address, selector: Hex): string {
  return `${address.toLowerCase()} ${selector}`
}
