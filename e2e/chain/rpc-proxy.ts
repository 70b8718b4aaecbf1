import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What becomes of a call: it passes; it is cut off before the chain has it; it reaches the chain and the answer does
 * not come back, or is an error; or it is held until the way is open again.
 */
export type Fate = 'pass' | 'cut' | 'swallow' | 'error' | 'hold'

/** The way to a chain, which a test can disturb: one call at a time, by its method. */
export interface RpcProxy extends AsyncDisposable {
  readonly url: string
  /** Decides for each call that comes; asked in order. */
  disturb(fateOf: (method: string) => Fate): void
  /** Lets everything pass again, what is held as well. */
  mend(): void
  /** Methods that came, in order, whatever became of them. */
  readonly methods: readonly string[]
}

export async function startRpcProxy(target: () => string): Promise<RpcProxy> {
  const methods: string[] = []
  let fateOf: (method: string) => Fate = () => 'pass'
  let mended = Promise.withResolvers<void>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    const { id, method } = JSON.parse(body) as { id: number; method: string }
    methods.push(method)
    const fate = fateOf(method)
    if (fate === 'cut') return void response.destroy()
    if (fate === 'hold') await mended.promise
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(target(), { method: 'POST', headers, body })
    const text = await answer.text()
    if (fate === 'swallow') return void response.destroy()
    const error = { code: -32603, message: 'Internal error' }
    response.end(fate === 'error' ? JSON.stringify({ jsonrpc: '2.0', id, error }) : text)
  }
  const server = createServer((request, response) => {
    // The chain itself may be down: then nobody answers here either.
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    methods,
    disturb: (how) => (fateOf = how),
    mend: () => {
      fateOf = () => 'pass'
      mended.resolve()
      mended = Promise.withResolvers()
    },
    [Symbol.asyncDispose]: async () => {
      mended.resolve()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
