import { toHex } from '../base/bytes.ts'
import type { PeerName } from '../base/ids.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import { encode } from '../wire/codec.ts'
import { ENCODING } from '../models/task.ts'
import type { OpenJob } from './open-job.ts'

/**
 * What a person has stopped, the latest of it: each took a press of a button. A consumer asks again within seconds where
 * nobody else is left.
 *
 * @internal for tests
 */
export const MAX_STOPPED_PROMPTS = 64

/**
 * Prompts that were stopped by hand, so that a consumer that goes on with one elsewhere does not bring it back here. By
 * their hashes, and by consumer: that somebody else asks the same says nothing of them. Who comes back under another name
 * is not known.
 */
export class StoppedPrompts {
  readonly #names = new Set<string>()

  add(consumer: PeerName, open: OpenJob): void {
    const name = nameOf(consumer, open)
    this.#names.delete(name)
    this.#names.add(name)
    const [oldest] = this.#names
    if (this.#names.size > MAX_STOPPED_PROMPTS && oldest !== undefined) this.#names.delete(oldest)
  }

  has(consumer: PeerName, open: OpenJob): boolean {
    return this.#names.size > 0 && this.#names.has(nameOf(consumer, open))
  }
}

/** What was written of it so far is no part: the rest of an answer is the same prompt. */
function nameOf(consumer: PeerName, open: OpenJob): string {
  const texts = open.task === ENCODING ? open.texts : [open.promptTokens]
  return `${consumer} ${toHex(sha256(encode({ texts })))}`
}
