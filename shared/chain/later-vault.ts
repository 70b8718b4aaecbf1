import type { Address, Hex } from 'viem'
import type { KeyVault } from './key-vault.ts'

/** A key whose address is known, and which is opened when it signs. */
export abstract class LaterVault implements KeyVault {
  readonly address: Address

  constructor(address: Address) {
    this.address = address
  }

  /** Called for each signature. @throws InfernetError why it was not opened */
  protected abstract opened(): Promise<KeyVault>

  async sign(...what: Parameters<KeyVault['sign']>): Promise<Hex> {
    return (await this.opened()).sign(...what)
  }

  async signTransaction(...what: Parameters<KeyVault['signTransaction']>): Promise<Hex> {
    return (await this.opened()).signTransaction(...what)
  }

  async signTypedData(...what: Parameters<KeyVault['signTypedData']>): Promise<Hex> {
    return (await this.opened()).signTypedData(...what)
  }
}
