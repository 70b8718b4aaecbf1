import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endOf } from '../fixtures/relay-process.ts'
import { WITH_PARENT } from '../fixtures/with-parent.ts'
import type { AttackWords, GroundAddresses } from './attack.ts'

const RUNNER = fileURLToPath(new URL('run-attack.ts', import.meta.url))
/** For making its keys and opening its sockets. */
const STAND_MS = 180_000
/** For closing what it opened. */
const END_MS = 10_000

/** An attack that stands, in a process of its own. */
export class Attacker implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #name: string
  #told: AttackWords = {}
  #log = ''
  #isEnding = false

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
  }

  /** Resolves with the first word of the attack. */
  static async start(name: string, ground: GroundAddresses): Promise<Attacker> {
    const child = spawn(process.execPath, [...WITH_PARENT, RUNNER, name, JSON.stringify(ground)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const attacker = new Attacker(name, child)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = setTimeout(() => reject(new Error(`${name} did not stand after ${STAND_MS} ms`)), STAND_MS)
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (attacker.#log = (attacker.#log + text).slice(-8192)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      attacker.#told = JSON.parse(line) as AttackWords
      resolve()
    })
    child.once('close', (code) => reject(attacker.#endError(code)))
    try {
      await promise
      return attacker
    } catch (thrown) {
      child.kill('SIGKILL')
      throw thrown
    } finally {
      clearTimeout(late)
    }
  }

  /** What it told last. */
  get told(): AttackWords {
    return this.#told
  }

  /** @throws Error when the attack has ended by itself: what was measured since was not beside it */
  assertStands(): void {
    const { exitCode, signalCode } = this.#child
    if (!this.#isEnding && (exitCode !== null || signalCode !== null)) throw this.#endError(exitCode)
  }

  /** Has it end, and waits for its last word. */
  async stop(): Promise<void> {
    this.#isEnding = true
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    const closed = new Promise((resolve) => this.#child.once('close', resolve))
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), END_MS)
    await endOf(this.#child)
    await closed
    clearTimeout(kill)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #endError(code: number | null): Error {
    return new Error(`${this.#name} ended by itself with ${code}: ${this.#log}`)
  }
}
