import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { webRTC } from '@libp2p/webrtc'
import { modelHash } from '#shared/base/ids.ts'
import type { Engine, GenerateRequest } from '#shared/engine/engine.ts'
import { JoinedRelays } from '#shared/mesh/joined-relays.ts'
import { createPeer } from '#shared/peer/create-peer.ts'
import type {
  AnswerEvent,
  AnswerSummary,
  BegunAnswer,
  Payee,
  Peer,
  ProviderTerms,
} from '#shared/peer/peer.ts'
import type { Payer } from '#shared/peer/payer.ts'
import { recordRegistersOf } from '#shared/peer/record-registers.ts'
import { seedRegistersOf } from '#shared/peer/seed-registers.ts'
import { seedModels, type Seeding, type SeedingInit } from '#shared/peer/seeding.ts'
import type { Prompt } from '#shared/prompt/prompt.ts'
import type { DirectoryPort } from '#shared/schedule/directory-port.ts'
import type { ProviderRecord } from '#shared/schedule/record/provider-record.ts'
import type { RecordsPort } from '#shared/verify/board/records-port.ts'
import type { ToldEvidence } from '#shared/verify/board/told-evidence.ts'
import { createFakeEngine, type FakeEngine, type FakeEngineInit } from '#shared/testing/fake-engine.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { pricePerToken } from '#shared/testing/prices.ts'
import { realClock, realRandom } from '#shared/testing/real-clock.ts'
import { OpeningKeeper } from '#shared/verify/openings/opening-keeper.ts'
import type { RelayConfig } from '../../relay/config/options.ts'
import type { Relay } from '../../relay/create-relay.ts'
import { mountDirectory, type MountDirectoryInit } from '../../relay/directory/mount-directory.ts'
import { startRelay } from '../../relay/testing/fixtures.ts'

export const TERMS: ProviderTerms = {
  price: pricePerToken(1n, 10n),
  selfTest: { right: 32, total: 32 },
}

/** A node with its peer. */
export interface TestPeerNode {
  readonly node: Libp2p
  readonly key: PrivateKey
  readonly peer: Peer
  readonly joined: JoinedRelays
  /** What it committed to. */
  readonly openings: OpeningKeeper
  /** Its part in passing on models, ended with the network. */
  seed(init?: SeedingInit): Promise<Seeding>
  stop(): Promise<void>
}

export interface NodeInit {
  /** Where it can be reached: its own socket, or these relays. @default nowhere */
  readonly listen?: readonly string[]
  readonly relays?: readonly string[]
  /** What its offers name. @default its node's own addresses */
  readonly named?: readonly string[]
  /** Which relays there are now, asked while one is down. */
  readonly readRelays?: () => Promise<readonly string[]>
  /** Instead of clients for `relays`. */
  readonly directories?: readonly DirectoryPort[]
  readonly payer?: Payer
  /** Asks without showing its address: without TURN, as it has none. @default false */
  readonly hides?: boolean
  /** What it knows of providers. @default one that begins empty */
  readonly record?: ProviderRecord
  /** What brings into that record what relays keep. @default nothing told is known */
  readonly toldBy?: (registers: () => readonly RecordsPort[]) => Pick<ToldEvidence, 'consider'>
  /** Whose name it has. @default a new one */
  readonly key?: PrivateKey
  /** Keeps what it commits to. @default as long as the node */
  readonly openings?: OpeningKeeper
  /** Made from the peer's key, which binds it to its operator. */
  readonly payee?: (key: PrivateKey) => Promise<Payee>
  /** How often it looks what is said of it, in milliseconds. @default as a tab does */
  readonly lookMs?: number
}

export const OWN_SOCKET = '/ip4/127.0.0.1/tcp/0/ws'

/** A relay and whoever a test starts on it; everything is stopped with it, last come first gone. */
export class TestNetwork implements AsyncDisposable {
  readonly #stops: (() => Promise<unknown> | void)[] = []

  /** @param directory e.g. to list whoever comes, as relays did before they looked whether anybody is there */
  async relay(
    changes: Partial<RelayConfig> = {},
    privateKey?: PrivateKey,
    directory: MountDirectoryInit = {},
  ): Promise<Relay> {
    const relay = await startRelay(changes, {
      mounts: [(host) => mountDirectory(host, directory)],
      ...(privateKey ? { privateKey } : {}),
    })
    this.#stops.push(() => relay.stop())
    return relay
  }

  async node({
    listen = [],
    relays = [],
    named,
    readRelays,
    directories,
    payer,
    hides,
    payee,
    record,
    toldBy,
    lookMs,
    key: ownKey,
    openings = new OpeningKeeper({ clock: realClock, random: realRandom }),
  }: NodeInit = {}): Promise<TestPeerNode> {
    const key = ownKey ?? (await generateKeyPair('Ed25519'))
    const node = await startLocalNode({
      key,
      listen,
      transports: listen.includes('/webrtc') ? [webRTC({ rtcConfiguration: { iceServers: [] } })] : [],
    })
    const joined = new JoinedRelays({ node, clock: realClock, readRelays }, relays)
    const source = directories ? { directories, views: [], onChange: () => () => undefined } : joined
    await untilTried(joined)
    const registers = recordRegistersOf(node, realClock, joined)
    const told = toldBy?.(() => registers.registers.map(({ port }) => port))
    const bare = createPeer(
      { node, key, clock: realClock, random: realRandom, relays: source, openings, record, told },
      {
        kind: 'node',
        ...(named && { addresses: () => named }),
        hiding: hides ? { hasTurn: false } : undefined,
        lookMs,
      },
    )
    const peer = paying(bare, payer, await payee?.(key))
    const stop = async (): Promise<void> => {
      await peer.stop()
      joined.stop()
      await node.stop()
    }
    this.#stops.push(stop)
    const seed = async (init?: SeedingInit): Promise<Seeding> => {
      const registers = seedRegistersOf(node, realClock, joined)
      const seeding = await seedModels({ node, key, clock: realClock, random: realRandom, registers }, init)
      this.#stops.push(() => seeding.stop())
      return seeding
    }
    return { node, key, peer, joined, openings, seed, stop }
  }

  /** Done when the network ends, before what was started earlier is stopped. */
  defer(stop: () => Promise<unknown>): void {
    this.#stops.push(stop)
  }

  /** A directory's client on a node of its own. */
  async client(relays: readonly string[]): Promise<DirectoryPort> {
    const node = await startLocalNode()
    const joined = new JoinedRelays({ node, clock: realClock }, relays)
    this.#stops.push(async () => {
      joined.stop()
      await node.stop()
    })
    await untilTried(joined)
    const [directory] = joined.directories
    if (!directory) throw new Error('no relay is up')
    return directory
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }
}

/** Whoever asks and provides with it does so with this purse and this till. */
function paying(peer: Peer, payer: Payer | undefined, payee: Payee | undefined): Peer {
  return {
    name: peer.name,
    ask: (prompt, options) => peer.ask(prompt, { payer, ...options }),
    embed: (request, options) => peer.embed(request, { payer, ...options }),
    check: (transcript, by, options) =>
      peer.check(transcript, by.by === 'peer' ? { payer, ...by } : by, options),
    provide: (engine, terms) => peer.provide(engine, payee ? { ...terms, payee } : terms),
    look: (options) => peer.look(options),
    farewell: () => peer.farewell(),
    stop: () => peer.stop(),
  }
}

/** Resolves when every relay has answered, or was found not to. */
async function untilTried(joined: JoinedRelays): Promise<void> {
  const isTried = (): boolean => joined.views.every(({ state }) => state !== 'connecting')
  await new Promise<void>((resolve) => {
    const check = (): void => {
      if (!isTried()) return
      stop()
      resolve()
    }
    const stop = joined.changes.listen(check)
    check()
  })
}

/** A fake that remembers what it was asked. */
export interface WatchedEngine extends FakeEngine {
  readonly requests: readonly GenerateRequest[]
}

export function fakeEngine(init: Partial<FakeEngineInit> = {}): WatchedEngine {
  const engine = createFakeEngine({ clock: realClock, tokensPerSecond: 200, answerLength: 80, ...init })
  const requests: GenerateRequest[] = []
  const generate: Engine['generate'] = (request, options) => {
    requests.push(request)
    return engine.generate(request, options)
  }
  return Object.assign(Object.create(engine) as FakeEngine, { generate, requests })
}

export const MODEL = modelHash('f'.repeat(64))

export function promptOf(changes: Partial<Prompt> = {}): Prompt {
  return {
    task: 'text-generation',
    model: MODEL,
    promptTokens: [5, 6, 7],
    sampler: { temperature: 1, topP: 1 },
    maxTokens: 500,
    maxOutputPrice: undefined,
    eosTokens: [2],
    ...changes,
  }
}

/** The whole answer that an unbroken run gives to the request that the first provider got. */
export async function unbroken(request: GenerateRequest | undefined, answerLength = 80): Promise<number[]> {
  if (!request) throw new Error('nobody was asked')
  const engine = createFakeEngine({ clock: realClock, answerLength })
  const tokens: number[] = []
  for await (const batch of engine.generate({ ...request, priorTokens: [], maxTokens: 500 }))
    tokens.push(...batch.tokens)
  return tokens
}

export interface Heard {
  readonly events: readonly AnswerEvent[]
  readonly tokens: readonly number[]
  readonly summary: AnswerSummary | undefined
}

/** Asks and writes down what is heard; `onEvent` may break something meanwhile. */
export async function hear(
  peer: Peer,
  prompt: Prompt,
  {
    onEvent,
    signal,
    begun,
    redundant,
  }: {
    onEvent?: (event: AnswerEvent, count: number) => unknown
    signal?: AbortSignal
    begun?: BegunAnswer
    redundant?: 2
  } = {},
): Promise<Heard> {
  const events: AnswerEvent[] = []
  const tokens: number[] = []
  let summary: AnswerSummary | undefined
  for await (const event of peer.ask(prompt, { begun, redundant, ...(signal && { signal }) })) {
    events.push(event)
    if (event.type === 'tokens') tokens.push(...event.tokens)
    if (event.type === 'done') summary = event.summary
    await onEvent?.(event, tokens.length)
  }
  return { events, tokens, summary }
}
