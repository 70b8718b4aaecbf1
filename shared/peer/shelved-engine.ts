import type { EpochMillis, Millis } from '../base/units.ts'
import type { StandingState } from '../engine/engine-keeper.ts'
import type { EngineInfo } from '../engine/engine.ts'
import type { SelfTest } from '../engine/self-test.ts'
import type { StandingEngine } from '../engine/standing-engine.ts'
import { InfernetError } from '../errors/infernet-error.ts'

/** What a device showed of a model when it was loaded last: what is offered while the model is not. */
export interface Measured {
  readonly info: EngineInfo
  readonly selfTest: SelfTest
  readonly testedAt: EpochMillis
  /** From the order to load it until its self-test was passed. */
  readonly loadMs: Millis
}

/** What an engine on the shelf reads of its place there; each value is that of now. */
export interface ShelvedParts {
  readonly loaded: StandingEngine | undefined
  readonly measured: Measured
  /** Where it stands while it is not loaded. */
  readonly state: StandingState
  readonly lost: Promise<Error>
  onChange(callback: () => void): () => void
  close(): Promise<void>
}

/**
 * A model on the shelf, seen as an engine: the loaded one where it is, and else what was measured of it.
 *
 * It runs what is asked of it while its place is held (`ModelPlace.take`); else it refuses with `engine.closed`.
 */
export function shelvedEngine(parts: ShelvedParts): StandingEngine {
  const loaded = (): StandingEngine => {
    if (!parts.loaded) throw new InfernetError('engine.closed')
    return parts.loaded
  }
  return {
    get info() {
      return (parts.loaded ?? parts.measured).info
    },
    get selfTest() {
      return (parts.loaded ?? parts.measured).selfTest
    },
    get testedAt() {
      return (parts.loaded ?? parts.measured).testedAt
    },
    get state() {
      return parts.loaded?.state ?? parts.state
    },
    lost: parts.lost,
    onChange: (callback) => parts.onChange(callback),
    generate: (request, options) => loaded().generate(request, options),
    score: async (request, options) => loaded().score(request, options),
    embed: async (request, options) => loaded().embed(request, options),
    testAgain: async (options) => loaded().testAgain(options),
    close: () => parts.close(),
  }
}
