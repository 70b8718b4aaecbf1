import { BaseError, HttpRequestError, type Hex } from 'viem'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { revertWords } from './revert-words.ts'

/** Numbers of EIP-1193, EIP-1474 and EIP-5792. */
const REJECTED = new Set([4001, 5000, 5750])
const UNSUPPORTED = new Set([4200, -32601, -32004, 5700, 5710, 5760])
const DISCONNECTED = new Set([4100, 4900, 4901])
const STILL_ASKING = -32002
const REVERT_DATA = 3

/** What nodes say before they take a transaction, by viem's names for it. */
const NODE_REASONS: Readonly<Record<string, string>> = {
  FeeCapTooLowError: 'the fee is below what the next block asks for',
  FeeCapTooHighError: 'the fee is too high',
  TipAboveFeeCapError: 'the tip is above the whole fee',
  IntrinsicGasTooLowError: 'it has too little gas',
  IntrinsicGasTooHighError: 'it needs more gas than a block holds',
  NonceTooLowError: 'its number is used already',
  NonceTooHighError: 'its number is too high',
  TransactionTypeNotSupportedError: 'this chain takes no transaction of that kind',
}

/**
 * What a wallet or a node threw, as an error of ours.
 *
 * A wallet's or a node's own text is never shown: only its number and the contract's error are read.
 */
export function explainFailure(thrown: unknown): InfernetError {
  if (thrown instanceof InfernetError) return thrown
  if (thrown instanceof DOMException && thrown.name === 'AbortError')
    return new InfernetError('wallet.failed', { reason: 'it was given up' }, { cause: thrown })
  const causes = causesOf(thrown)
  const codes = causes.map(codeOf).filter((found) => found !== undefined)
  const code = codes.find((found) => found !== REVERT_DATA)
  const names = new Set(causes.map((cause) => (cause instanceof Error ? cause.name : '')))
  // Some wallets wrap their owner's no in an error of another number.
  if (names.has('UserRejectedRequestError') || codes.some((each) => REJECTED.has(each)))
    return new InfernetError('wallet.rejected', {}, { cause: thrown })
  if (code === STILL_ASKING) return new InfernetError('wallet.waiting', {}, { cause: thrown })
  const refusal = revertOf(causes)
  if (refusal !== undefined)
    return new InfernetError('wallet.reverted', { reason: refusal }, { cause: thrown })
  if (names.has('InsufficientFundsError')) return new InfernetError('wallet.no-gas', {}, { cause: thrown })
  if (code !== undefined && UNSUPPORTED.has(code))
    return new InfernetError('wallet.unsupported', {}, { cause: thrown })
  if (code !== undefined && DISCONNECTED.has(code))
    return new InfernetError('wallet.disconnected', {}, { cause: thrown })
  const status = causes.find((cause) => cause instanceof HttpRequestError)?.status
  if (status !== undefined)
    return new InfernetError('wallet.node-error', { reason: `HTTP ${status}` }, { cause: thrown })
  if (names.has('HttpRequestError') || names.has('TimeoutError'))
    return new InfernetError('wallet.unreachable', {}, { cause: thrown })
  const told = Object.keys(NODE_REASONS).find((name) => names.has(name))
  if (told !== undefined)
    return new InfernetError('wallet.node-error', { reason: NODE_REASONS[told] }, { cause: thrown })
  const number = code === undefined ? undefined : `number ${code}`
  if (names.has('RpcRequestError'))
    return new InfernetError('wallet.node-error', { reason: number }, { cause: thrown })
  const reason = number === undefined ? 'it did not say why' : `its error has the ${number}`
  return new InfernetError('wallet.failed', { reason }, { cause: thrown })
}

/** Every number in the error and in what it wraps, the outermost first. */
export function numbersOf(thrown: unknown): readonly number[] {
  return causesOf(thrown)
    .map(codeOf)
    .filter((code) => code !== undefined)
}

/** The error and everything below it, as far as eight deep: a chain of causes may be a ring. */
function causesOf(thrown: unknown): unknown[] {
  const causes: unknown[] = []
  for (let at = thrown; at !== undefined && at !== null && causes.length < 16;) {
    causes.push(at)
    const wrapped = originalOf(at)
    if (wrapped !== undefined) causes.push(wrapped)
    at = typeof at === 'object' && 'cause' in at ? at.cause : undefined
  }
  return causes
}

/** What a wallet's own library put into its error's data. */
function originalOf(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null || !('data' in thrown)) return undefined
  const { data } = thrown
  return typeof data === 'object' && data !== null && 'originalError' in data ? data.originalError : undefined
}

function codeOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'number' ? thrown.code : undefined
}

/** The contract's own error in words; `undefined` when nothing was reverted. */
function revertOf(causes: readonly unknown[]): string | undefined {
  for (const cause of causes) {
    const data = revertData(cause)
    if (data !== undefined) return revertWords(data)
  }
  const isReverted = causes.some(
    (cause) =>
      codeOf(cause) === REVERT_DATA ||
      (cause instanceof BaseError && /^(ExecutionReverted|ContractFunctionRevert)/.test(cause.name)),
  )
  return isReverted ? 'it did not say why' : undefined
}

function revertData(thrown: unknown): Hex | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  if ('data' in thrown) {
    const { data } = thrown
    if (isHex(data)) return data
    if (typeof data === 'object' && data !== null && 'data' in data && isHex(data.data)) return data.data
  }
  return 'raw' in thrown && isHex(thrown.raw) ? thrown.raw : undefined
}

function isHex(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x[0-9a-fA-F]{8,}$/.test(value)
}
