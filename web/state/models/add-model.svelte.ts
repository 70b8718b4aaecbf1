import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Dtype } from '#shared/models/manifest.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import type { SettingsStore } from '../session/services.ts'
import type { Download } from './download.svelte.ts'
import type { Downloads } from './downloads.svelte.ts'
import { guessFit, type Fit } from './fit.ts'
import { forgetHubToken, hubTokenFor, keepHubToken, readHubToken, type TokenOf } from './hub-token.ts'
import { parseRepository } from './parse-repository.ts'
import type { HubModel, ModelsHome, NamedModel, Wanted } from './services.ts'

/** `name`: it waits for a name. `facts`: the hub has answered. `given`: the download is on its way, or done. */
export type AddStage = 'name' | 'asking' | 'facts' | 'given'

export interface AddModelComponents {
  readonly settings: SettingsStore
  readonly lookUp: NonNullable<ModelsHome['lookUp']>
  /** Which hub a token is entered for. @default known with the next question alone */
  readonly hubUrl?: ModelsHome['hubUrl'] | undefined
  readonly inspectGpu: () => Promise<GpuInspection>
  readonly downloads: Downloads
}

/** Adding a model by its name at a hub: what the hub says of it, which precision, the licence, then the download. */
export class AddModel {
  readonly #components: AddModelComponents
  /** As the visitor typed it, until it is known which hub it is for. */
  #typedToken = $state<string | undefined>()
  /** As long as the hub is not known, that of whichever it was entered for. */
  #keptToken = $state<string | undefined>()
  #stage = $state<AddStage>('name')
  #found = $state.raw<HubModel | undefined>()
  #gpu = $state.raw<GpuInspection | undefined>()
  #error = $state.raw<InfernetError | undefined>()
  #dtype = $state<Dtype | undefined>()
  #wanted = $state.raw<Wanted | undefined>()
  #question: AbortController | undefined
  /** What the visitor writes: a name, or the address of its page. */
  name = $state('')
  /** A branch, a tag or a commit; empty for the newest. What stands in the name itself counts before it. */
  revision = $state('')
  isAccepted = $state(false)

  constructor(components: AddModelComponents) {
    this.#components = components
    this.#keptToken = readHubToken(components.settings)?.token
  }

  get stage(): AddStage {
    return this.#stage
  }
  get found(): HubModel | undefined {
    return this.#found
  }
  /** Why the hub's answer was none. */
  get error(): InfernetError | undefined {
    return this.#error
  }
  /** True for text that is there and names no repository. */
  get isWrongName(): boolean {
    return this.name.trim() !== '' && parseRepository(this.name) === undefined
  }
  get dtype(): Dtype | undefined {
    return this.#dtype
  }
  set dtype(dtype: Dtype | undefined) {
    this.#dtype = dtype
  }
  /** The visitor's own, kept in this browser with the hub that it was entered for, and sent to no other. */
  get token(): string | undefined {
    return this.#typedToken ?? this.#keptToken
  }
  set token(text: string | undefined) {
    const token = text?.trim()
    this.#typedToken = token || undefined
    const { settings, hubUrl } = this.#components
    if (token) void hubUrl?.().then(this.tokenOf, () => undefined)
    else {
      this.#keptToken = undefined
      forgetHubToken(settings)
    }
  }
  readonly tokenOf: TokenOf = (hubUrl) => {
    const { settings } = this.#components
    if (this.#typedToken !== undefined) keepHubToken(settings, hubUrl, this.#typedToken)
    this.#typedToken = undefined
    this.#keptToken = hubTokenFor(settings, hubUrl)
    return this.#keptToken
  }
  get bytes(): number | undefined {
    return this.#found?.precisions.find(({ dtype }) => dtype === this.#dtype)?.bytes
  }
  /** Whether it would run here, as far as its size tells; undefined before the browser has answered. */
  fit(precision: HubModel['precisions'][number]): Fit | undefined {
    return this.#gpu && guessFit(precision, this.#gpu)
  }
  /** Its download, once there is one. */
  get download(): Download | undefined {
    return this.#wanted && this.#components.downloads.find(this.#wanted)
  }

  /** Asks for a model that a list names. */
  lookUp({ repository, revision = '' }: Pick<NamedModel, 'repository' | 'revision'>): Promise<void> {
    this.reset()
    this.name = repository
    this.revision = revision
    return this.ask()
  }

  /** Asks the hub. A second question takes the place of the first. */
  async ask(): Promise<void> {
    const read = parseRepository(this.name)
    if (!read) return
    this.#question?.abort()
    const question = new AbortController()
    this.#question = question
    this.#error = undefined
    this.#stage = 'asking'
    const { lookUp, inspectGpu } = this.#components
    try {
      const [found, gpu] = await Promise.all([
        lookUp({
          repository: read.repository,
          revision: read.revision ?? (this.revision.trim() || undefined),
          tokenOf: this.tokenOf,
          signal: question.signal,
        }),
        inspectGpu(),
      ])
      if (question.signal.aborted) return
      this.#gpu = gpu
      this.#found = found
      this.#dtype = this.#best(found)
      this.isAccepted = false
      this.#stage = 'facts'
    } catch (thrown) {
      if (question.signal.aborted) return
      this.#error = InfernetError.from(thrown, 'models.unavailable')
      this.#stage = 'name'
    }
  }

  /** Back to the name; what was written stays. */
  back(): void {
    this.#question?.abort()
    this.#error = undefined
    this.#stage = 'name'
  }

  /** Takes the licence and begins, in the list of downloads. */
  begin(): void {
    const [found, dtype, bytes] = [this.#found, this.#dtype, this.bytes]
    if (this.#stage !== 'facts' || !found || !dtype || bytes === undefined || !this.isAccepted) return
    const { repository, revision, name, licence } = found
    this.#wanted = { kind: 'hub', repository, revision, dtype }
    this.#components.downloads.accept({ wanted: this.#wanted, name, bytes, licence })
    this.#stage = 'given'
  }

  /** For the next one. A download goes on. */
  reset(): void {
    this.back()
    this.name = ''
    this.revision = ''
    this.#found = undefined
    this.#wanted = undefined
  }

  /** The smallest that runs on the GPU, else on the processor, else the smallest. */
  #best({ precisions }: HubModel): Dtype | undefined {
    const bySize = precisions.toSorted((a, b) => a.bytes - b.bytes)
    const on = (where: Fit['on']) => bySize.find((precision) => this.fit(precision)?.on === where)
    return (on('gpu') ?? on('processor') ?? bySize[0])?.dtype
  }
}
