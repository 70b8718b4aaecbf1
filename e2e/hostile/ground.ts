import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MODEL } from '../peers/test-network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import type { GroundAddresses, GroundSetting, ProviderAddresses, Question } from './attack.ts'
import type { Asked } from './ask-over-http.ts'
import type { AskOrder } from './consumer.ts'
import { HonestProcess, WATCHED } from './honest-process.ts'
import type { WatchReading } from './watch-loop.ts'

const RELAYS = 1
const PROVIDERS = 3
const ANSWER: Question = { kind: 'answer' }

/** The honest side: relays as operators run them, providers, and one that asks, each in a process of its own. */
export class Ground implements AsyncDisposable {
  readonly addresses: GroundAddresses
  readonly #setting: GroundSetting
  readonly #consumer: HonestProcess
  readonly #processes: readonly HonestProcess[]
  readonly #cleanUp: AsyncDisposableStack

  private constructor(
    addresses: GroundAddresses,
    setting: GroundSetting,
    [consumer, ...others]: readonly [HonestProcess, ...HonestProcess[]],
    cleanUp: AsyncDisposableStack,
  ) {
    this.addresses = addresses
    this.#setting = setting
    this.#consumer = consumer
    this.#processes = [consumer, ...others]
    this.#cleanUp = cleanUp
  }

  /** Resolves when every provider's offer is listed. */
  static async start(setting: GroundSetting = {}): Promise<Ground> {
    await using cleanUp = new AsyncDisposableStack()
    const keep = (started: HonestProcess): HonestProcess => {
      cleanUp.defer(() => started.stop())
      return started
    }
    const chainArgs = setting.hasChain ? ['--network-file', await startChain(cleanUp)] : []
    const relays = []
    const watched: HonestProcess[] = []
    for (let i = 0; i < (setting.relays ?? RELAYS); i++) {
      const peers = relays.flatMap(({ address }) => ['--peer', address])
      const args = ['--seed-provider', 'off', ...peers, ...chainArgs, ...(setting.relayArgs ?? [])]
      const relay = await startRelayProcess({ args, nodeArgs: WATCHED })
      cleanUp.defer(() => relay.stop())
      relays.push({ url: relay.url, address: relay.address })
      watched.push(new HonestProcess(named('relay', i), relay.process))
    }
    const joined = relays.map(({ address }) => address)
    const starts = Array.from({ length: setting.providers ?? PROVIDERS }, async (_, i) => {
      const started = await HonestProcess.start<ProviderAddresses>(
        named('provider', i),
        'provider.ts',
        joined,
      )
      watched.push(keep(started.process))
      return started.first
    })
    const consumer = HonestProcess.start('consumer', 'consumer.ts', [])
    starts.push(consumer.then((started) => ({ name: keep(started.process).role, addresses: [] })))
    const settled = await Promise.allSettled(starts)
    const providers = settled.slice(0, -1).map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
    const all = [(await consumer).process, ...watched] as const
    return new Ground({ relays, providers, model: MODEL }, setting, all, cleanUp.move())
  }

  /** Asks one question after the other, and gives how each went; `joins` are relays beside the honest ones. */
  ask(count: number, joins: readonly string[] = []): Promise<readonly Asked[]> {
    const { relays } = this.addresses
    const ask: AskOrder = {
      question: this.#setting.question ?? ANSWER,
      count,
      relays: [...relays.map(({ address }) => address), ...joins],
      url: relays[0]?.url ?? '',
      isEachNew: this.#setting.isEachNew ?? false,
      pauseMs: this.#setting.pauseMs ?? 0,
    }
    return this.#consumer.order({ ask }, 'answers')
  }

  /** What the loops did since they were last read, by role. */
  async read(): Promise<Readonly<Record<string, WatchReading>>> {
    const entries = this.#processes.map(async (each) => [each.role, await each.read()] as const)
    return Object.fromEntries(await Promise.all(entries))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp.disposeAsync()
  }
}

function named(role: string, index: number): string {
  return index === 0 ? role : `${role} ${index + 1}`
}

/** A chain with our contracts; answers its network file. */
async function startChain(cleanUp: AsyncDisposableStack): Promise<string> {
  // Only where it is needed: it brings the bytecode of all contracts.
  const { startLocalChain } = await import('../chain/local-chain.ts')
  const { ourContracts } = await import('../chain/our-contracts.ts')
  const folder = await mkdtemp(join(tmpdir(), 'infernet-chain-'))
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }))
  const chain = await startLocalChain(ourContracts, { folder })
  cleanUp.defer(() => chain.stop())
  return chain.networkFile
}
