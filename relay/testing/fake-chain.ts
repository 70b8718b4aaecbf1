import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a chain says to a method; throwing `{ code, message, data }` is a JSON-RPC error. */
export type FakeMethods = Record<string, (params: readonly unknown[]) => unknown>

/** A JSON-RPC endpoint that says what a test wants, also nothing. */
export interface FakeChain extends AsyncDisposable {
  readonly url: string
  /** Every call that came, in order. */
  readonly calls: readonly { readonly method: string; readonly params: readonly unknown[] }[]
  /** Replaces the answer of methods. */
  set(methods: FakeMethods): void
  /** What is sent in place of any answer; undefined to answer again. */
  breakWith(breaking: ((response: ServerResponse) => void) | undefined): void
}

export const CHAIN_ID = 31_337

/** A block as the endpoint tells it. */
export function blockAt(number: number, hash = number): unknown {
  return {
    number: `0x${number.toString(16)}`,
    hash: `0x${hash.toString(16).padStart(64, '0')}`,
    timestamp: '0x6b03701d',
  }
}

export async function startFakeChain(initial: FakeMethods = {}): Promise<FakeChain> {
  const calls: { method: string; params: readonly unknown[] }[] = []
  let methods: FakeMethods = {
    eth_chainId: () => `0x${CHAIN_ID.toString(16)}`,
    eth_getBlockByNumber: () => blockAt(1),
    ...initial,
  }
  let breaking: ((response: ServerResponse) => void) | undefined
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
        id: number
        method: string
        params: unknown[]
      }
      calls.push({ method, params })
      if (breaking) return breaking(response)
      void answer(methods[method], params).then((said) =>
        response.end(JSON.stringify({ jsonrpc: '2.0', id, ...said })),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    set: (changes) => (methods = { ...methods, ...changes }),
    breakWith: (how) => (breaking = how),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(method: FakeMethods[string] | undefined, params: unknown[]): Promise<object> {
  try {
    if (!method) return { error: { code: -32601, message: 'not there' } }
    return { result: await method(params) }
  } catch (error) {
    return { error }
  }
}
