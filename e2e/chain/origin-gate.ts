import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface OriginGateInit {
  /** Where to listen on this machine; 0 takes a free one. */
  readonly port: number
  /** The web origins that may read. */
  readonly origins: readonly string[]
  /** The port of the server behind it, on this machine. */
  readonly target: number
}

/**
 * Stands before anvil, which lets one web origin read or all of them: a page of this machine has several names, and
 * foreign pages must not be able to play with the chain. Whatever is no web page passes as it is.
 *
 * @returns the port that it listens on
 * @throws when the port is taken
 */
export async function startOriginGate({ port, origins, target }: OriginGateInit): Promise<number> {
  const agent = new Agent({ keepAlive: true })
  const server = createServer((question, answer) => {
    const headers = headersFor(question.headers.origin, origins)
    if (question.method === 'OPTIONS') return void answer.writeHead(204, headers).end()
    passOn({ agent, target, headers }, question, answer)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

function headersFor(origin: string | undefined, origins: readonly string[]): Record<string, string> {
  if (origin === undefined || !origins.includes(origin)) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': 'POST',
    'Access-Control-Allow-Headers': 'content-type',
    'Access-Control-Max-Age': '600',
  }
}

function passOn(
  { agent, target, headers }: { agent: Agent; target: number; headers: Record<string, string> },
  question: IncomingMessage,
  answer: ServerResponse,
): void {
  const { method, url, headers: asked } = question
  const onward = request({ agent, host: '127.0.0.1', port: target, method, path: url, headers: asked })
  onward.on('response', (found) => {
    answer.writeHead(found.statusCode ?? 502, { ...found.headers, ...headers })
    found.on('error', () => answer.destroy()).pipe(answer)
  })
  // The chain is gone, or whoever asked: neither side waits for the other then.
  onward.on('error', () => answer.destroy())
  answer.on('close', () => onward.destroy())
  question.on('error', () => onward.destroy()).pipe(onward)
}
