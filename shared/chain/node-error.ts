import { RpcRequestError, type Hex } from 'viem'

/** What a node of the chain refused with: its code, its data, and its words in ours. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: number
  /** What a contract reverted with. */
  readonly data: Hex | undefined

  constructor(code: number, text: string, data?: Hex) {
    super(text)
    this.code = code
    this.data = data
  }
}

/** Words that wallets tell failures apart by, as Geth says them; any other words of a stranger stop here. */
const KNOWN_WORDS = [
  'execution reverted',
  'nonce too low',
  'nonce too high',
  'already known',
  'insufficient funds for gas * price + value',
  'insufficient funds',
  'replacement transaction underpriced',
  'transaction underpriced',
  'max fee per gas less than block base fee',
  'max priority fee per gas higher than max fee per gas',
  'intrinsic gas too low',
  'intrinsic gas too high',
  'gas required exceeds allowance',
  'gas limit reached',
  'exceeds block gas limit',
  'out of gas',
  'invalid sender',
  'invalid chain id',
  'transaction type not supported',
  'header not found',
  'unknown block',
  'blockoutofrange',
  'limit exceeded',
  'rate limit',
  'too many requests',
] as const

/** How others say the same; anvil among them. */
const OTHER_WORDS: Readonly<Record<string, (typeof KNOWN_WORDS)[number]>> = {
  'insufficient gas price to replace existing transaction': 'replacement transaction underpriced',
  'fee cap less than': 'max fee per gas less than block base fee',
  'fee too low': 'transaction underpriced',
  'already imported': 'already known',
  outofgas: 'out of gas',
}

const MAX_DATA_CHARACTERS = 2 + 2 * 4096

/** Reads the `error` of a JSON-RPC answer. */
export function readNodeError(error: unknown): NodeError {
  const { code, message, data } = (typeof error === 'object' && error !== null ? error : {}) as Record<
    string,
    unknown
  >
  const said = typeof message === 'string' ? message.slice(0, 2000).toLowerCase() : ''
  const other = Object.keys(OTHER_WORDS).find((each) => said.includes(each))
  const known = other === undefined ? KNOWN_WORDS.find((each) => said.includes(each)) : OTHER_WORDS[other]
  const words = known ?? 'the node of the chain refused'
  const number = typeof code === 'number' && Number.isSafeInteger(code) ? code : -32000
  return new NodeError(number, words, readData(data))
}

/** True for what another node, or the same one a moment later, may answer: it lags, or has had enough of us. */
export function isPassing({ code, message }: NodeError): boolean {
  const isBehind = ['header not found', 'unknown block', 'blockoutofrange'].includes(message)
  return (
    isBehind || code === -32005 || ['limit exceeded', 'rate limit', 'too many requests'].includes(message)
  )
}

/** Refusals of a transaction that say why the pool did not take it. */
const NOT_TAKEN: ReadonlySet<string> = new Set<(typeof KNOWN_WORDS)[number]>([
  'nonce too low',
  'nonce too high',
  'insufficient funds for gas * price + value',
  'insufficient funds',
  'replacement transaction underpriced',
  'transaction underpriced',
  'max fee per gas less than block base fee',
  'max priority fee per gas higher than max fee per gas',
  'intrinsic gas too low',
  'intrinsic gas too high',
  'gas limit reached',
  'exceeds block gas limit',
  'out of gas',
  'invalid sender',
  'invalid chain id',
  'transaction type not supported',
])

/** False for an error that a node may answer after it has taken a transaction, as "internal error". */
export function isCertainlyNotTaken({ message }: NodeError): boolean {
  return NOT_TAKEN.has(message)
}

/** Some nodes put the data of a revert one level deeper. */
function readData(data: unknown): Hex | undefined {
  const inner = typeof data === 'object' && data !== null && 'data' in data ? data.data : data
  const isHex = typeof inner === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(inner)
  return isHex && inner.length <= MAX_DATA_CHARACTERS ? (inner as Hex) : undefined
}

/** The chain asks for more than was offered. That another one of the same number is dearer is no reason to raise. */
export function isTooCheap({ message }: NodeError): boolean {
  return message === 'transaction underpriced' || message === 'max fee per gas less than block base fee'
}

/** The refusal of a node under viem's wrappers: read already, or as it came over viem's own transport. */
export function findNodeError(thrown: unknown): NodeError | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof NodeError) return error
    if (error instanceof RpcRequestError)
      return readNodeError({ code: error.code, message: error.details, data: error.data })
  }
  return undefined
}
