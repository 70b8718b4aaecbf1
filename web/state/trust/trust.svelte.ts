import { SvelteMap } from 'svelte/reactivity'
import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Session } from '../session/session.svelte.ts'
import { Looked } from './looked.svelte.ts'
import type {
  CheckCount,
  MachineMap,
  StandingReason,
  ToldVerdict,
  TrustHome,
  TrustServices,
} from './services.ts'

/** Each relay answers within seconds or not at all. */
const LOOK_LIMIT_MS = 20 * SECOND_MS
/** Models and providers that somebody looked at in this visit. */
const MAX_LOOKED_AT = 32

/** What relays tell of checks and machines, and what this tab's scheduler makes of providers. */
export class Trust {
  readonly #services: TrustServices
  readonly #session: Session
  readonly counts: Looked<CheckCount | undefined>
  readonly #machines = new SvelteMap<ModelHash, Looked<MachineMap | undefined>>()
  readonly #verdicts = new SvelteMap<PeerName, Looked<readonly ToldVerdict[] | undefined>>()
  #home = $state.raw<TrustHome | undefined>()

  constructor(services: TrustServices, session: Session) {
    this.#services = services
    this.#session = session
    this.counts = this.#looked()
  }

  machinesOf(model: ModelHash): Looked<MachineMap | undefined> | undefined {
    return this.#machines.get(model)
  }
  verdictsAbout(provider: PeerName): Looked<readonly ToldVerdict[] | undefined> | undefined {
    return this.#verdicts.get(provider)
  }
  /** Why this tab asks it as often as it does, the most important first; undefined before that is known. */
  explain(provider: PeerName): readonly StandingReason[] | undefined {
    return this.#home?.explain(provider)
  }

  /** How many checks there were. Never throws. */
  lookAtCounts(): Promise<void> {
    return this.counts.look(() => this.#ask((home, signal) => home.counts({ signal })))
  }
  /** How far the machines of a model lie apart. Never throws. */
  lookAtMachines(model: ModelHash): Promise<void> {
    const ask = (home: TrustHome, signal: AbortSignal): Promise<MachineMap> => {
      const { live, unconfirmed } = this.#session
      const seen = [...live, ...unconfirmed].filter(({ offer }) => offer.model === model)
      return home.machines(model, { signal, providers: seen.map(({ offer }) => offer.provider) })
    }
    return this.#entry(this.#machines, model).look(() => this.#ask(ask))
  }
  /** What others found of a provider. Never throws. */
  lookAtProvider(provider: PeerName): Promise<void> {
    const ask = (home: TrustHome, signal: AbortSignal): Promise<readonly ToldVerdict[]> =>
      home.verdictsAbout(provider, { signal })
    return this.#entry(this.#verdicts, provider).look(() => this.#ask(ask))
  }

  #looked<T>(): Looked<T> {
    return new Looked<T>(() => this.#services.clock.now())
  }

  #entry<Key, T>(map: SvelteMap<Key, Looked<T>>, key: Key): Looked<T> {
    const known = map.get(key)
    if (known) return known
    const fresh = this.#looked<T>()
    map.set(key, fresh)
    for (const eldest of map.keys()) {
      if (map.size <= MAX_LOOKED_AT) break
      map.delete(eldest)
    }
    return fresh
  }

  async #ask<T>(ask: (home: TrustHome, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: LOOK_LIMIT_MS })
    const work = async (signal: AbortSignal): Promise<T | undefined> => {
      const mesh = await this.#session.ready()
      this.#home = await this.#services.trustOf(mesh)
      return this.#home && ask(this.#home, signal)
    }
    return withDeadline(this.#services.clock, millis(LOOK_LIMIT_MS), late, work)
  }
}
