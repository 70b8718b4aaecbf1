import type { Clock } from '#shared/base/clock.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { SettingsStore } from '../session/services.ts'
import type { Settings } from '../session/settings.svelte.ts'
import { Download } from './download.svelte.ts'
import type { TokenOf } from './hub-token.ts'
import { readDownloads, writeDownload } from './kept-downloads.ts'
import { keyOf, type Licences } from './licences.ts'
import type { LicenceFacts, ModelsHome, Wanted } from './services.ts'

/** What somebody wants to download, with what they must know before. */
export interface DownloadRequest {
  readonly wanted: Wanted
  readonly name: string
  readonly bytes: number
  readonly licence: LicenceFacts | undefined
}

export interface DownloadsComponents {
  readonly clock: Clock
  readonly settings: SettingsStore
  /** What the visitor chose, which other pages show too. */
  readonly choices: Pick<Settings, 'originsOnly'>
  readonly fetch: NonNullable<ModelsHome['fetch']>
  readonly letGo?: ModelsHome['letGo']
  readonly licences: Licences
  readonly tokenOf: TokenOf
}

/**
 * What is being downloaded: one after the other, in the order of asking, so that the first is here soonest. Each is
 * written down until it is here or the visitor lets it go, and goes on when the page is opened again.
 */
export class Downloads {
  readonly #components: DownloadsComponents
  #list = $state.raw<readonly Download[]>([])
  #asked = $state.raw<DownloadRequest | undefined>()
  #running: { readonly download: Download; readonly run: AbortController } | undefined
  #tick: { stop(): void } | undefined
  #isOver = false

  constructor(components: DownloadsComponents) {
    this.#components = components
    const { clock, settings } = components
    this.#list = readDownloads(settings).map((kept) => {
      const download = new Download(clock, kept)
      if (kept.isPaused) download.enter('paused')
      return download
    })
  }

  get list(): readonly Download[] {
    return this.#list
  }
  /** What waits for the visitor to accept its licence. */
  get asked(): DownloadRequest | undefined {
    return this.#asked
  }
  /** Whether no peer is asked, so that none learns what is fetched and where to. */
  get originsOnly(): boolean {
    return this.#components.choices.originsOnly.value
  }
  /** Holds from now on, for what runs too: what it has stays. */
  set originsOnly(on: boolean) {
    if (on === this.originsOnly) return
    this.#components.choices.originsOnly.value = on
    this.#running?.run.abort(RESTARTED)
  }

  find(wanted: Wanted): Download | undefined {
    return this.#list.find(({ key }) => key === keyOf(wanted))
  }

  /** Goes on with what the last visit left. */
  start(): void {
    this.#next()
  }

  /** Asks for the licence first where it was not accepted yet. */
  want(request: DownloadRequest): void {
    if (this.#components.licences.has(request.wanted)) this.#add(request)
    else this.#asked = request
  }
  /** The visitor has read the licence and takes it. */
  accept(request = this.#asked): void {
    this.#asked = undefined
    if (!request) return
    this.#components.licences.accept(request.wanted)
    this.#add(request)
  }
  decline(): void {
    this.#asked = undefined
  }

  pause(download: Download): void {
    if (download.stage !== 'running' && download.stage !== 'waiting') return
    download.enter('paused')
    this.#keep(download)
    this.#abort(download)
    this.#next()
  }
  /** After a pause or a failure. */
  resume(download: Download): void {
    if (download.stage !== 'paused' && download.stage !== 'failed') return
    download.enter('waiting')
    this.#keep(download)
    this.#next()
  }
  /** Takes it off the list. What has come of it stays where it is listed, else its room is given back. */
  drop(download: Download): void {
    this.#list = this.#list.filter((each) => each !== download)
    this.#strike(download)
    if (this.#running?.download === download) this.#abort(download)
    else this.#letGo(download)
    this.#next()
  }

  /** What runs is left as it is written down, for the next visit. */
  stop(): void {
    this.#isOver = true
    this.#running?.run.abort(ENDED)
    this.#tick?.stop()
  }

  #add(request: DownloadRequest): void {
    const before = this.find(request.wanted)
    if (before && before.stage !== 'done') return this.resume(before)
    const download = new Download(this.#components.clock, request)
    this.#list = [...this.#list.filter((each) => each !== before), download]
    this.#keep(download)
    this.#next()
  }

  #next(): void {
    if (this.#running || this.#isOver) return
    const download = this.#list.find(({ stage }) => stage === 'waiting')
    if (!download) return
    const run = new AbortController()
    this.#running = { download, run }
    download.enter('running')
    this.#look(download)
    void this.#run(download, run.signal).finally(() => {
      this.#running = undefined
      this.#tick?.stop()
      this.#letGo(download)
      this.#next()
    })
  }

  async #run(download: Download, signal: AbortSignal): Promise<void> {
    const { fetch, tokenOf, licences } = this.#components
    try {
      const model = await fetch(download.wanted, {
        ...{ originsOnly: this.originsOnly, tokenOf, signal },
        onProgress: (progress) => {
          if (!signal.aborted) download.note(progress)
        },
      })
      // It came in spite of a pause in the last moment.
      if (signal.aborted && !this.#list.includes(download)) return
      download.arrived(model)
      licences.accept({ kind: 'model', model }) // by the name that it has only now
      this.#strike(download)
    } catch (thrown) {
      if (!signal.aborted) download.enter('failed', InfernetError.from(thrown))
      else if (signal.reason === RESTARTED && download.stage === 'running') download.enter('waiting')
    }
  }

  /** Where it was dropped before its end, and is not wanted anew. */
  #letGo({ wanted, stage }: Download): void {
    if (stage !== 'done' && !this.find(wanted)) void this.#components.letGo?.(wanted)
  }

  /** Where nothing comes, the speed falls all the same. */
  #look(download: Download): void {
    download.look()
    this.#tick = this.#components.clock.schedule(millis(SECOND_MS), () => this.#look(download))
  }

  #abort(download: Download): void {
    if (this.#running?.download === download) this.#running.run.abort(PAUSED)
  }

  #keep({ wanted, name, totalBytes, stage }: Download): void {
    const kept = { wanted, name, bytes: totalBytes, isPaused: stage === 'paused' }
    writeDownload(this.#components.settings, wanted, kept)
  }
  #strike({ wanted }: Download): void {
    writeDownload(this.#components.settings, wanted, undefined)
  }
}

const PAUSED = new DOMException('the visitor paused the download', 'AbortError')
const RESTARTED = new DOMException('the visitor chose other sources', 'AbortError')
const ENDED = new DOMException('the page closes', 'AbortError')
