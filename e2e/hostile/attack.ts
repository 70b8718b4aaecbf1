/** What of the honest side an attacker knows: no more than anybody can find out. */
export interface GroundAddresses {
  readonly relays: readonly RelayAddresses[]
  readonly providers: readonly ProviderAddresses[]
  /** Hash of the one model that is provided and asked for. */
  readonly model: string
}

export interface RelayAddresses {
  /** Of its public port, with a slash at its end. */
  readonly url: string
  /** A multiaddr with peer id. */
  readonly address: string
}

export interface ProviderAddresses {
  readonly name: string
  /** Multiaddrs with peer id at which it can be dialled. */
  readonly addresses: readonly string[]
}

/** What the attack has taken so far, each counted from its beginning. What was not needed is left out. */
export interface AttackCost {
  /** Identities that were made. */
  readonly keys?: number
  /** Network addresses that sockets came from. */
  readonly addresses?: number
  readonly sockets?: number
  /** Places at the relay that it holds. */
  readonly places?: number
  readonly streams?: number
  readonly requests?: number
  /** Sent. */
  readonly bytes?: number
  /** In base units. */
  readonly money?: number
  /** Written by the frame. */
  readonly seconds?: number
}

/** What an attack says. The first word means that it stands, and the questions begin. */
export interface AttackWords extends AttackCost {
  /** Multiaddrs of relays of its own, which whoever asks has joined besides the honest ones. */
  readonly joins?: readonly string[]
}

export interface AttackTools {
  /** Aborts when the attack is to end. */
  readonly signal: AbortSignal
  readonly tell: (words: AttackWords) => void
}

/**
 * One attack, in a process of its own. It goes on until the signal aborts, and takes what the honest side does to it
 * (cuts, refusals) as an attacker would: an error that leaves it ends the measurement as a failure.
 */
export type Attack = (ground: GroundAddresses, tools: AttackTools) => Promise<void>

/** What the honest side asks for, 20 times without the attacker and 20 times beside it. */
export type Question =
  /** A whole answer of the fake model, from joining the relays on. */
  | { readonly kind: 'answer' }
  /**
   * A request on a connection of its own; a body makes it a POST of JSON. Any status below 300 is success, but for an
   * answer of JSON-RPC that is an error.
   */
  | { readonly kind: 'http'; readonly path: string; readonly body?: unknown }

/** The honest side, where an attack needs another one than the usual. */
export interface GroundSetting {
  /** @default 1 */
  readonly relays?: number
  /** More flags for each relay. */
  readonly relayArgs?: readonly string[]
  /** @default 3 */
  readonly providers?: number
  /** Where the providers are reached: at sockets of their own, or only at places that the relays give. @default 'socket' */
  readonly reach?: 'socket' | 'place'
  /** Whether the providers go once the attack stands, and others come beside it. @default false */
  readonly areProvidersNew?: boolean
  /** Whether the relays speak https and wss themselves, with a certificate that the honest side trusts. @default false */
  readonly hasTls?: boolean
  /** Whether the relays settle on a chain with our contracts, which needs anvil. @default false */
  readonly hasChain?: boolean
  /** @default an answer */
  readonly question?: Question
  /** Between two questions, where one is answered so soon that all of them would see a moment of the attack. @default 0 */
  readonly pauseMs?: number
  /** Whether each question comes from a node that has just joined. @default false */
  readonly isEachNew?: boolean
  /** Where SECURITY.md states another bound than the usual: each needs its reason beside it. */
  readonly bounds?: Partial<Bounds>
}

/** What the honest side may lose at most. */
export interface Bounds {
  /** Share of the questions that succeed. */
  readonly honestSuccess: number
  /** Median time to the first token, over the same without the attacker. */
  readonly honestTtftRatio: number
  /** The longest turn of an event loop of the honest side. */
  readonly stallMs: number
  /** Heap and buffers that an honest process keeps after the attack, beyond what it had before. */
  readonly keptMb: number
}

/** What a file in `attacks/` exports. */
export interface AttackFile {
  readonly attack: Attack
  readonly setting?: GroundSetting
}

/** Imports `attacks/<name>.ts`. Throws when there is none. */
export async function loadAttack(name: string): Promise<AttackFile> {
  return (await import(`./attacks/${name}.ts`)) as AttackFile
}
