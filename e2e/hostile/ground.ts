import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MODEL } from '../peers/test-network.ts'
import { startRelayProcess } from '../fixtures/relay-process.ts'
import type { GroundAddresses, GroundSetting, ProviderAddresses, Question } from './attack.ts'
import type { Asked } from './ask-over-http.ts'
import type { AskOrder } from './consumer.ts'
import { HonestProcess, WATCHED } from './honest-process.ts'
import { certificateIn, type OwnCertificate } from './own-certificate.ts'
import type { WatchReading } from './watch-loop.ts'

const RELAYS = 1
const PROVIDERS = 3
const ANSWER: Question = { kind: 'answer' }

/** What the honest side did, by role. */
export type Readings = Readonly<Record<string, WatchReading>>

interface StartedProvider {
  readonly process: HonestProcess
  readonly first: ProviderAddresses
}

/** The honest side: relays as operators run them, providers, and one that asks, each in a process of its own. */
export class Ground implements AsyncDisposable {
  readonly addresses: GroundAddresses
  readonly #setting: GroundSetting
  readonly #certificate: OwnCertificate | undefined
  readonly #consumer: HonestProcess
  readonly #relays: readonly HonestProcess[]
  #providers: readonly HonestProcess[]
  readonly #cleanUp: AsyncDisposableStack

  private constructor(
    addresses: GroundAddresses,
    setting: GroundSetting,
    processes: {
      readonly consumer: HonestProcess
      readonly relays: readonly HonestProcess[]
      readonly providers: readonly HonestProcess[]
    },
    certificate: OwnCertificate | undefined,
    cleanUp: AsyncDisposableStack,
  ) {
    this.addresses = addresses
    this.#setting = setting
    this.#certificate = certificate
    this.#consumer = processes.consumer
    this.#relays = processes.relays
    this.#providers = processes.providers
    this.#cleanUp = cleanUp
  }

  /** Resolves when every provider's offer is listed. */
  static async start(setting: GroundSetting = {}): Promise<Ground> {
    await using cleanUp = new AsyncDisposableStack()
    const chainArgs = setting.hasChain ? ['--network-file', await startChain(cleanUp)] : []
    const certificate = setting.hasTls ? await certificateIn(await folder('certificate', cleanUp)) : undefined
    const relays = []
    const relayProcesses: HonestProcess[] = []
    for (let i = 0; i < (setting.relays ?? RELAYS); i++) {
      const peers = relays.flatMap(({ address }) => ['--peer', address])
      const more = [...peers, ...chainArgs, ...(certificate?.relayArgs ?? []), ...(setting.relayArgs ?? [])]
      const relay = await startRelayProcess({
        args: ['--seed-provider', 'off', ...more],
        nodeArgs: WATCHED,
      })
      cleanUp.defer(() => relay.stop())
      relays.push({ url: relay.url, address: relay.address })
      relayProcesses.push(new HonestProcess(named('relay', i), relay.process))
    }
    const joined = relays.map(({ address }) => address)
    const [consumer, ...started] = await Promise.allSettled([
      HonestProcess.start('consumer', 'consumer.ts', [], certificate?.env),
      ...startProviders('provider', joined, setting, certificate),
    ])
    for (const each of [consumer, ...started])
      if (each.status === 'fulfilled') cleanUp.defer(() => each.value.process.stop())
    if (consumer.status === 'rejected') throw consumer.reason
    const providers = started.map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
    return new Ground(
      { relays, providers: providers.map(({ first }) => first), model: MODEL },
      setting,
      {
        consumer: consumer.value.process,
        relays: relayProcesses,
        providers: providers.map(({ process }) => process),
      },
      certificate,
      cleanUp.move(),
    )
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

  /**
   * Has the providers go and as many others come, and reads those. One that finds no way in within its time is not there:
   * the questions say what that comes to.
   */
  async renewProviders(): Promise<Readings> {
    await Promise.all(this.#providers.map((provider) => provider.stop()))
    const joined = this.addresses.relays.map(({ address }) => address)
    const came = await Promise.allSettled(
      startProviders('new provider', joined, this.#setting, this.#certificate),
    )
    this.#providers = came.flatMap((each) => (each.status === 'fulfilled' ? each.value.process : []))
    for (const provider of this.#providers) this.#cleanUp.defer(() => provider.stop())
    return readingsOf(this.#providers)
  }

  /** What the loops did since they were last read, by role. */
  read(): Promise<Readings> {
    return readingsOf([this.#consumer, ...this.#relays, ...this.#providers])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp.disposeAsync()
  }
}

function startProviders(
  role: string,
  relays: readonly string[],
  { providers = PROVIDERS, reach = 'socket' }: GroundSetting,
  certificate: OwnCertificate | undefined,
): readonly Promise<StartedProvider>[] {
  return Array.from({ length: providers }, (_, i) =>
    HonestProcess.start<ProviderAddresses>(
      named(role, i),
      'provider.ts',
      [reach, ...relays],
      certificate?.env,
    ),
  )
}

async function readingsOf(processes: readonly HonestProcess[]): Promise<Readings> {
  const entries = processes.map(async (each) => [each.role, await each.read()] as const)
  return Object.fromEntries(await Promise.all(entries))
}

function named(role: string, index: number): string {
  return index === 0 ? role : `${role} ${index + 1}`
}

/** An empty one, removed with the ground. */
async function folder(what: string, cleanUp: AsyncDisposableStack): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `infernet-${what}-`))
  cleanUp.defer(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A chain with our contracts; answers its network file. */
async function startChain(cleanUp: AsyncDisposableStack): Promise<string> {
  // Only where it is needed: it brings the bytecode of all contracts.
  const { startLocalChain } = await import('../chain/local-chain.ts')
  const { ourContracts } = await import('../chain/our-contracts.ts')
  const chain = await startLocalChain(ourContracts, { folder: await folder('chain', cleanUp) })
  cleanUp.defer(() => chain.stop())
  return chain.networkFile
}
