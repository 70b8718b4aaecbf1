import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { findChromium } from '../../fixtures/find-chromium.ts'

const START_LIMIT_MS = 30_000
const COMMAND_LIMIT_MS = 30_000

/** What a browser needs on a machine without a sandbox and without the world; nothing that touches throttling. */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
]

/**
 * A headed Chromium as a person starts it, driven over its debugging port.
 *
 * Playwright is of no use here: it switches throttling of background tabs off and tells every tab that it has the focus,
 * so that none is ever hidden (docs/traps.md).
 */
export class PlainChromium implements AsyncDisposable {
  readonly #cleanUp: AsyncDisposableStack
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #sent = 0

  private constructor(socket: WebSocket, cleanUp: AsyncDisposableStack) {
    this.#socket = socket
    this.#cleanUp = cleanUp
    socket.addEventListener('message', ({ data }) => this.#take(String(data)))
  }

  /** @throws NoScreen where there is no Xvfb to draw on. */
  static async start(): Promise<PlainChromium> {
    await using cleanUp = new AsyncDisposableStack()
    const display = await startScreen(cleanUp)
    const profile = await mkdtemp(join(tmpdir(), 'infernet-hidden-'))
    cleanUp.defer(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }))
    const env = { ...process.env, DISPLAY: display }
    const child = spawn(findChromium(), [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
      env,
      stdio: 'ignore',
    })
    cleanUp.defer(() => end(child))
    const socket = new WebSocket(await debuggerOf(profile))
    await once(socket, 'open', { signal: AbortSignal.timeout(START_LIMIT_MS) })
    return new PlainChromium(socket, cleanUp.move())
  }

  /** Opens a tab in front of the others, which are hidden by it. */
  async open(url: string): Promise<PlainTab> {
    const { targetId } = v.parse(
      v.object({ targetId: v.string() }),
      await this.#call('Target.createTarget', { url }),
    )
    const { sessionId } = v.parse(
      v.object({ sessionId: v.string() }),
      await this.#call('Target.attachToTarget', { targetId, flatten: true }),
    )
    return {
      evaluate: async (expression) => {
        const answer = await this.#call(
          'Runtime.evaluate',
          { expression, awaitPromise: true, returnByValue: true },
          sessionId,
        )
        const { result, exceptionDetails } = v.parse(evaluatedSchema, answer)
        if (exceptionDetails)
          throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
        return result.value
      },
      bringToFront: async () => void (await this.#call('Target.activateTarget', { targetId })),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await this.#cleanUp.disposeAsync()
  }

  #call(method: string, params: unknown, sessionId?: string): Promise<unknown> {
    const id = ++this.#sent
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    const limit = setTimeout(() => answer.reject(new Error(`${method} was not answered`)), COMMAND_LIMIT_MS)
    return answer.promise.finally(() => {
      clearTimeout(limit)
      this.#waiting.delete(id)
    })
  }

  #take(text: string): void {
    const message = v.parse(messageSchema, JSON.parse(text))
    const answer = message.id === undefined ? undefined : this.#waiting.get(message.id)
    if (message.error) answer?.reject(new Error(message.error.message))
    else answer?.resolve(message.result)
  }
}

/** One tab of a {@link PlainChromium}. */
export interface PlainTab {
  /** Runs an expression in the page and waits for the promise that it may be. */
  readonly evaluate: (expression: string) => Promise<unknown>
  readonly bringToFront: () => Promise<void>
}

/** There is nothing to draw a window on. */
export class NoScreen extends Error {
  override readonly name = 'NoScreen'
}

const messageSchema = v.object({
  id: v.optional(v.number()),
  result: v.optional(v.unknown()),
  error: v.optional(v.object({ message: v.string() })),
})
const evaluatedSchema = v.object({
  result: v.object({ value: v.optional(v.unknown()) }),
  exceptionDetails: v.optional(
    v.object({ text: v.string(), exception: v.optional(v.object({ description: v.optional(v.string()) })) }),
  ),
})

/** A screen in memory; Xvfb chooses its number and tells it on the fourth descriptor. */
async function startScreen(cleanUp: AsyncDisposableStack): Promise<string> {
  const args = ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp']
  const child = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  cleanUp.defer(() => end(child))
  const number = await new Promise<string>((resolve, reject) => {
    child.once('error', () => reject(new NoScreen('Xvfb is not installed (Debian: apt-get install xvfb).')))
    child.once('exit', () => reject(new NoScreen('Xvfb ended at once.')))
    ;(child.stdio[3] as Readable).once('data', (data: Buffer) => resolve(data.toString().trim()))
  })
  return `:${number}`
}

async function debuggerOf(profile: string): Promise<string> {
  const until = performance.now() + START_LIMIT_MS
  while (performance.now() < until) {
    const text = await readFile(join(profile, 'DevToolsActivePort'), 'utf8').catch(() => '')
    const [port, path] = text.trim().split('\n')
    if (port && path) return `ws://127.0.0.1:${port}${path}`
    await sleep(100)
  }
  throw new Error('Chromium did not open its debugging port.')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(limit)
}
