import type { Address, Hex } from 'viem'
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import type { Clock } from '#shared/base/clock.ts'
import { millis, MINUTE_MS } from '#shared/base/units.ts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import { LaterVault } from '#shared/chain/later-vault.ts'

/**
 * How long a key that was opened may be used again without a question: what a person orders at once takes two signatures
 * and some seconds, as an allowance and a deposit. Script in this page could sign within it, and no later.
 *
 * @internal for tests
 */
export const OPEN_MS = MINUTE_MS

/** A key that is opened by its person when it is used, and closed a moment later. */
export class LockedAccount extends LaterVault {
  readonly #clock: Clock
  readonly #unseal: (options: { readonly signal?: AbortSignal | undefined }) => Promise<Hex>
  #opening: Promise<PrivateKeyAccount> | undefined
  #closing: { stop(): void } | undefined

  /** @param unseal asks, and gives the key */
  constructor(
    address: Address,
    clock: Clock,
    unseal: (options: { readonly signal?: AbortSignal | undefined }) => Promise<Hex>,
  ) {
    super(address)
    this.#clock = clock
    this.#unseal = unseal
  }

  /** Asks, unless it was opened a moment ago. @throws InfernetError `wallet.locked`, `wallet.key-lost` */
  async open({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    await this.#account(signal)
  }

  /** Forgets the opened key at once. */
  close(): void {
    this.#closing?.stop()
    this.#closing = undefined
    this.#opening = undefined
  }

  protected opened(): Promise<KeyVault> {
    return this.#account()
  }

  /** One question at a time; who comes while it is asked waits for the same answer. */
  #account(signal?: AbortSignal): Promise<PrivateKeyAccount> {
    if (this.#opening) return this.#opening
    const opening = this.#unseal({ signal }).then(privateKeyToAccount)
    this.#opening = opening
    opening.then(
      () => {
        if (this.#opening === opening)
          this.#closing = this.#clock.schedule(millis(OPEN_MS), () => this.close())
      },
      () => {
        if (this.#opening === opening) this.#opening = undefined
      },
    )
    return opening
  }
}
