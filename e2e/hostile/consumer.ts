/** `consumer.ts`: an honest one that asks when it is told to. Started by Ground. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { promptOf, TestNetwork, type TestPeerNode } from '../peers/test-network.ts'
import { askOverHttp, type Asked } from './ask-over-http.ts'
import type { Question } from './attack.ts'

export interface AskOrder {
  readonly question: Question
  readonly count: number
  /** Multiaddrs. */
  readonly relays: readonly string[]
  /** Of the relay whose public port is asked. */
  readonly url: string
  readonly isEachNew: boolean
  /** Before each. */
  readonly pauseMs: number
}

/** After which whoever asked would have gone away. */
const QUESTION_MS = 30_000

let asked = 0
process.on('message', (order: { ask?: AskOrder }) => {
  if (order.ask) void answerAll(order.ask).then((answers) => process.send?.({ answers }))
})
process.on('disconnect', () => process.exit(0))
// What watches the loop has let it go.
process.channel?.ref()
process.send?.({ ready: true })

async function answerAll(order: AskOrder): Promise<readonly Asked[]> {
  const { question, count, relays, url, isEachNew, pauseMs } = order
  const answers: Asked[] = []
  let left = count
  while (left > 0) {
    await using network = new TestNetwork()
    const node =
      question.kind === 'answer'
        ? await network.node({ relays, key: await generateKeyPair('Ed25519') })
        : undefined
    for (let i = isEachNew ? 1 : left; i > 0; i--, left--) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const signal = AbortSignal.timeout(QUESTION_MS)
      answers.push(
        (await (
          question.kind === 'http'
            ? askOverHttp(new URL(question.path, url), question.body, signal)
            : node && askPeer(node, signal)
        )?.catch((thrown: unknown): Asked => ({ failed: nameOf(thrown) }))) ?? { failed: 'nobody asked' },
      )
    }
  }
  return answers
}

async function askPeer({ peer }: TestPeerNode, signal: AbortSignal): Promise<Asked> {
  const startedAt = performance.now()
  let firstMs: number | undefined
  let isDone = false
  const prompt = promptOf({ promptTokens: [5, 6, 7 + (asked++ % 1000)] })
  for await (const event of peer.ask(prompt, { signal })) {
    if (event.type === 'tokens') firstMs ??= performance.now() - startedAt
    if (event.type === 'done') isDone = true
  }
  return { ...(firstMs !== undefined && { firstMs }), ...(!isDone && { failed: 'no end' }) }
}

function nameOf(thrown: unknown): string {
  if (thrown instanceof InfernetError) return thrown.code
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
}
