import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import { keyOf } from './licences.ts'
import type { FetchProgress, Wanted } from './services.ts'
import { SourceSpeed, type Speed } from './source-speed.ts'

/** `waiting`: others come first. `paused`: by the visitor. `failed`: `error` says why. `done`: all of it is here. */
export type DownloadStage = 'waiting' | 'running' | 'paused' | 'failed' | 'done'

/** One download and how far it is. */
export class Download {
  readonly wanted: Wanted
  readonly key: string
  readonly name: string
  readonly #clock: Clock
  readonly #bytes: number
  readonly #speed = new SourceSpeed()
  #stage = $state<DownloadStage>('waiting')
  #progress = $state.raw<FetchProgress | undefined>()
  #speedNow = $state.raw<Speed | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #model = $state.raw<ModelHash | undefined>()

  constructor(
    clock: Clock,
    { wanted, name, bytes }: { readonly wanted: Wanted; readonly name: string; readonly bytes: number },
  ) {
    this.#clock = clock
    this.wanted = wanted
    this.key = keyOf(wanted)
    this.name = name
    this.#bytes = bytes
    if (wanted.kind === 'model') this.#model = wanted.model
  }

  get stage(): DownloadStage {
    return this.#stage
  }
  /** Undefined before it began. */
  get progress(): FetchProgress | undefined {
    return this.#progress
  }
  /** Undefined while it does not run, and before enough has come to tell. */
  get speed(): Speed | undefined {
    return this.#stage === 'running' ? this.#speedNow : undefined
  }
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** What it is called on the wire; of a hub's model not known before it is done. */
  get model(): ModelHash | undefined {
    return this.#model
  }
  get totalBytes(): number {
    return this.#progress?.totalBytes ?? this.#bytes
  }
  get hereBytes(): number {
    const { keptBytes = 0, fromPeers = 0, fromOrigins = 0 } = this.#progress ?? {}
    return Math.min(this.totalBytes, keptBytes + fromPeers + fromOrigins)
  }
  get missingBytes(): number {
    return this.totalBytes - this.hereBytes
  }
  /** At the speed of now; undefined while that is not known, or nothing comes. */
  get leftMs(): number | undefined {
    const { speed } = this
    const bytesPerSecond = speed ? speed.peers + speed.origins : 0
    return bytesPerSecond > 0 ? (1000 * this.missingBytes) / bytesPerSecond : undefined
  }

  enter(stage: DownloadStage, error?: InfernetError): void {
    this.#stage = stage
    this.#error = error
    if (stage !== 'running') this.#speedNow = undefined
  }
  note(progress: FetchProgress): void {
    this.#progress = progress
    this.#speed.note(this.#clock.monotonic(), progress)
    this.look()
  }
  /** Time passes also where nothing comes. */
  look(): void {
    this.#speedNow = this.#speed.now(this.#clock.monotonic())
  }
  arrived(model: ModelHash): void {
    this.#model = model
    this.enter('done')
  }
}
