import type { ModelHash } from '#shared/base/ids.ts'
import { hashManifest, type Manifest } from '#shared/models/manifest.ts'
import type { ShareRules } from '../../weights/swarm-terms.ts'
import type { SettingsStore } from '../session/services.ts'

const NOT_SHARED = 'models.not-shared'
/** Far more models than a browser holds. */
const MAX_KEPT = 200

export interface VisitorsRulesComponents {
  readonly settings: SettingsStore
  /** Whether the licence that a list names for a model lets it go on. */
  readonly mayPassOn: (model: ModelHash) => boolean
}

/** What the visitor allows of fetching from peers and passing on, as the settings stand now. */
export class VisitorsRules implements ShareRules {
  readonly #components: VisitorsRulesComponents

  constructor(components: VisitorsRulesComponents) {
    this.#components = components
  }

  /** Who asks a peer for pieces shows it an address, so whoever hides theirs asks none. */
  mayAsk(): boolean {
    const { settings } = this.#components
    return settings.get('models.origins-only') !== 'yes' && settings.get('ask.hide-address') !== 'yes'
  }

  mayPassOn(manifest: Manifest): boolean {
    const model = hashManifest(manifest)
    return this.#components.mayPassOn(model) && this.isShared(model)
  }

  /** The visitor's switch for one model. */
  isShared(model: ModelHash): boolean {
    return !this.#notShared.includes(model)
  }

  share(model: ModelHash, on: boolean): void {
    const others = this.#notShared.filter((each) => each !== model)
    const notShared = on ? others : [...others, model].slice(-MAX_KEPT)
    this.#components.settings.set(NOT_SHARED, notShared.join(' '))
  }

  get #notShared(): readonly string[] {
    return (this.#components.settings.get(NOT_SHARED) ?? '').split(' ').filter((each) => each !== '')
  }
}
