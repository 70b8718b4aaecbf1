import { tokenId, type TokenId } from '../../base/ids.ts'
import { InfernetError } from '../../errors/infernet-error.ts'

/** The libraries trust the files, which a stranger wrote: whatever breaks on them is a model that cannot be run. */
export function orUnsupported<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw InfernetError.from(cause, 'models.unsupported', { reason: 'its tokenizer is of an unknown kind' })
  }
}

/** A vocabulary may hold anything under a word, and the tokenizer gives it back unread. */
export function idOf(token: number): TokenId {
  if (!Number.isSafeInteger(token) || token < 0) throw new Error('no token id')
  return tokenId(token)
}
