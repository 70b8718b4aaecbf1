import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { numberToHex, hexToBigInt, sliceHex, concatHex, type Address, type Hex } from 'viem'

/** What is lied about: calls of that contract that begin so. */
export interface Lie {
  readonly to: Address
  readonly selector: Hex
  /** What is added to the first word of each answer, whatever the block. */
  readonly more: bigint
}

interface Asked {
  readonly id: number
  readonly method: string
  readonly params: readonly { readonly to?: string; readonly data?: string }[]
}
type Answered = { readonly id: number; readonly result?: unknown }

/** A node's true answer, with the lie in it: the blocks and everything else stay as they are. */
export function withLie({ to, selector, more }: Lie, asked: string, answered: string): string {
  const questions = [JSON.parse(asked) as Asked | Asked[]].flat()
  const lie = (answer: Answered): Answered => {
    const question = questions.find(({ id }) => id === answer.id)
    const [call] = question?.method === 'eth_call' ? question.params : []
    const isMeant = call?.to?.toLowerCase() === to.toLowerCase() && call.data?.startsWith(selector) === true
    return isMeant && typeof answer.result === 'string'
      ? { ...answer, result: raised(answer.result as Hex, more) }
      : answer
  }
  const answers = JSON.parse(answered) as Answered | Answered[]
  return JSON.stringify(Array.isArray(answers) ? answers.map(lie) : lie(answers))
}

/** A node that lies, before one that does not. */
export async function startLyingNode(
  honestUrl: string,
  lie: Lie,
): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => void answer(Buffer.concat(parts).toString()))
    const answer = async (asked: string): Promise<void> => {
      const headers = { 'Content-Type': 'application/json' }
      const honest = await fetch(honestUrl, { method: 'POST', headers, body: asked })
      response.writeHead(honest.status, headers).end(withLie(lie, asked, await honest.text()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

function raised(result: Hex, more: bigint): Hex {
  const first = numberToHex(hexToBigInt(sliceHex(result, 0, 32)) + more, { size: 32 })
  return result.length > 66 ? concatHex([first, sliceHex(result, 32)]) : first
}
