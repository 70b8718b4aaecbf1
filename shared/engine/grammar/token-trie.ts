/** The bytes of a vocabulary as a tree, flat and in the order of a depth-first walk. */
export interface TokenTrie {
  readonly vocabSize: number
  /** The tokens' bytes as text of characters 0 to 255; '' for a token that no grammar may use. */
  readonly bytes: readonly string[]
  /** Of each node: the byte that leads to it, its depth from 1 on, and the first node after all below it. */
  readonly byte: Uint8Array
  readonly depth: Uint16Array
  readonly after: Int32Array
  /** The tokens that end at node i are `tokens[firstToken[i]]` up to, not including, `tokens[firstToken[i + 1]]`. */
  readonly firstToken: Int32Array
  readonly tokens: Int32Array
  readonly maxDepth: number
}

/** Longer tokens are left out: they are rows of spaces or junk. */
const MAX_TOKEN_BYTES = 256

/** @param bytes one entry for each token of the vocabulary */
export function createTokenTrie(bytes: readonly string[]): TokenTrie {
  const order = [...bytes.keys()]
    .filter((id) => bytes[id] !== '' && (bytes[id]?.length ?? 0) <= MAX_TOKEN_BYTES)
    .sort((a, b) => compare(bytes[a] ?? '', bytes[b] ?? '') || a - b)
  const byte: number[] = []
  const depth: number[] = []
  const after: number[] = []
  const firstToken: number[] = []
  const path: number[] = []
  let last = ''
  for (const [index, id] of order.entries()) {
    const text = bytes[id] ?? ''
    let shared = 0
    while (shared < last.length && last[shared] === text[shared]) shared++
    while (path.length > shared) after[path.pop() ?? 0] = byte.length
    for (let i = shared; i < text.length; i++) {
      path.push(byte.length)
      byte.push(text.charCodeAt(i))
      depth.push(i + 1)
      after.push(0)
      // Those on the way to the token's last node begin and end here: the next node begins here as well.
      firstToken.push(index)
    }
    last = text
  }
  while (path.length > 0) after[path.pop() ?? 0] = byte.length
  firstToken.push(order.length)
  return {
    vocabSize: bytes.length,
    bytes,
    byte: Uint8Array.from(byte),
    depth: Uint16Array.from(depth),
    after: Int32Array.from(after),
    firstToken: Int32Array.from(firstToken),
    tokens: Int32Array.from(order),
    maxDepth: depth.reduce((a, b) => Math.max(a, b), 0),
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
