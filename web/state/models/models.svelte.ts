import type { ModelHash } from '#shared/base/ids.ts'
import type { Wallet } from '../money/wallet.svelte.ts'
import type { Settings } from '../session/settings.svelte.ts'
import { AddModel } from './add-model.svelte.ts'
import { Caps } from './caps.svelte.ts'
import { Downloads } from './downloads.svelte.ts'
import { earnedOf } from './earned.ts'
import type { Licences } from './licences.ts'
import type { ModelsHome, ModelsServices } from './services.ts'
import { Shelf } from './shelf.svelte.ts'

export interface ModelsComponents {
  readonly services: ModelsServices
  readonly home: ModelsHome
  readonly choices: Pick<Settings, 'originsOnly'>
  readonly licences: Licences
  /** Whose journal says what a model earned. */
  readonly wallet: Pick<Wallet, 'address' | 'entries' | 'escrow' | 'network'>
  /** What this tab itself runs now. */
  readonly running: () => readonly ModelHash[]
  /** A model of a hub has come, which no list had before. @default nobody hears */
  readonly onAdded?: (() => void) | undefined
}

/** What is kept of models, fetched and given away. A part without its services is undefined, and nothing of it shows. */
export class Models {
  readonly home: ModelsHome
  readonly shelf: Shelf
  readonly downloads: Downloads | undefined
  readonly adding: AddModel | undefined
  readonly caps: Caps | undefined

  constructor({ services, home, choices, licences, wallet, running, onAdded }: ModelsComponents) {
    const { clock, settings } = services
    this.home = home
    this.shelf = new Shelf({
      ...{ clock, settings, home, running },
      earnedBy: (model) =>
        earnedOf(model, wallet.entries, {
          wallet: wallet.address,
          chainId: wallet.network?.chainId,
          symbol: wallet.escrow?.symbol,
        }),
    })
    const caps = home.limits && new Caps(settings, home.limits)
    this.caps = caps?.isEmpty ? undefined : caps
    const { fetch, letGo, lookUp, hubUrl } = home
    if (!fetch) return
    const downloads = new Downloads({
      ...{ clock, settings, choices, licences },
      fetch: async (wanted, options) => {
        const model = await fetch.call(home, wanted, options)
        if (wanted.kind === 'hub') onAdded?.()
        return model
      },
      letGo: letGo && ((wanted) => letGo.call(home, wanted)),
      tokenOf: (hubUrl) => this.adding?.tokenOf(hubUrl),
    })
    this.downloads = downloads
    if (!lookUp) return
    const inspectGpu = () => services.inspectGpu(undefined)
    this.adding = new AddModel({
      settings,
      downloads,
      lookUp: (question) => lookUp.call(home, question),
      hubUrl: hubUrl && (() => hubUrl.call(home)),
      inspectGpu,
    })
  }

  start(): void {
    this.shelf.start()
    this.downloads?.start()
  }
  stop(): void {
    this.shelf.stop()
    this.downloads?.stop()
  }
}

/** Undefined where this browser keeps nothing for this page. */
export async function openModels(components: Omit<ModelsComponents, 'home'>): Promise<Models | undefined> {
  const home = await components.services.openModels()
  if (!home) return undefined
  const models = new Models({ ...components, home })
  models.start()
  return models
}
