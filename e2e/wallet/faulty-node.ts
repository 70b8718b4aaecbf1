import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { recoverTransactionAddress, type Hex } from 'viem'

/**
 * What becomes of each account's first transaction:
 *
 * - `swallow`: the chain takes it, and the answer does not come back
 * - `dies`: the same, and nothing is answered any more to whoever asks by that host name
 * - `late`: the chain takes it, and the answer is held until the way is open again
 * - `error`: the chain takes it, and the answer is an error
 * - `cut`: it is lost on its way
 * - `cheap`: it is refused, and so is the next try, because its fee is too low for the block
 */
export type Fault = 'none' | 'swallow' | 'dies' | 'late' | 'error' | 'cut' | 'cheap'

/** A node that loses answers, before one that does not. */
export interface FaultyNode extends AsyncDisposable {
  readonly url: string
  /** From now on, for accounts that have not sent anything yet. */
  fault: Fault
  /** Accounts whose first transaction has met its fate. */
  readonly met: ReadonlySet<string>
  /** Whatever is held is answered, and nothing is disturbed from now on. */
  mend(): void
}

interface Question {
  readonly id: number
  readonly method: string
  readonly params: readonly unknown[]
}

const HEADERS = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': '*',
  'Cross-Origin-Resource-Policy': 'cross-origin',
}
const TOO_CHEAP = 'max fee per gas less than block base fee'

export async function startFaultyNode(target: string): Promise<FaultyNode> {
  const met = new Map<string, number>()
  const dead = new Set<string>()
  let open = Promise.withResolvers<void>()
  const pass = async (asked: unknown): Promise<string> => {
    const body = JSON.stringify(asked)
    return (
      await fetch(target, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
    ).text()
  }
  const faultFor = async (questions: readonly Question[]): Promise<Fault> => {
    const sent = questions.find(({ method }) => method === 'eth_sendRawTransaction')
    if (!sent || node.fault === 'none') return 'none'
    const serializedTransaction = sent.params[0] as Hex & `0x02${string}`
    const from = await recoverTransactionAddress({ serializedTransaction })
    const times = (met.get(from) ?? 0) + 1
    met.set(from, times)
    return times > (node.fault === 'cheap' ? 2 : 1) ? 'none' : node.fault
  }
  const refusal = (asked: Question | readonly Question[], code: number, message: string): string => {
    const refuse = ({ id }: Question) => ({ jsonrpc: '2.0', id, error: { code, message } })
    return JSON.stringify('length' in asked ? asked.map(refuse) : refuse(asked))
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'OPTIONS') return void response.writeHead(204, HEADERS).end()
    const asked = JSON.parse(await textOf(request)) as Question | readonly Question[]
    const { host = '' } = request.headers
    if (dead.has(host)) return void response.destroy()
    const fault = await faultFor('length' in asked ? asked : [asked])
    if (fault === 'cut') return void response.destroy()
    response.setHeaders(new Map(Object.entries(HEADERS)))
    if (fault === 'cheap') return void response.end(refusal(asked, -32000, TOO_CHEAP))
    const answer = await pass(asked)
    if (fault === 'dies') dead.add(host)
    if (fault === 'swallow' || fault === 'dies') return void response.destroy()
    if (fault === 'error') return void response.end(refusal(asked, -32603, 'Internal error'))
    if (fault === 'late') await open.promise
    response.end(answer)
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const node: FaultyNode = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: 'none',
    get met() {
      return new Set(met.keys())
    },
    mend: () => {
      node.fault = 'none'
      dead.clear()
      open.resolve()
      open = Promise.withResolvers()
    },
    [Symbol.asyncDispose]: async () => {
      open.resolve()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return node
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
