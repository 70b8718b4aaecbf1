import { Ask } from '../ask/ask.svelte.ts'
import { CheckDesk } from '../ask/check-desk.svelte.ts'
import { ClaimDesk } from '../money/claim-desk.svelte.ts'
import { Earning } from '../money/earning.svelte.ts'
import { Energy } from '../money/energy.svelte.ts'
import { Consent } from '../models/consent.svelte.ts'
import { Licences } from '../models/licences.ts'
import type { Models } from '../models/models.svelte.ts'
import type { Prospects } from '../models/prospects.svelte.ts'
import { Network } from './network.svelte.ts'
import { PaymentDesk } from '../money/payment-desk.svelte.ts'
import { Provide } from '../provide/provide.svelte.ts'
import { Router } from './router.svelte.ts'
import type { Services } from './services.ts'
import { Session } from '../session/session.svelte.ts'
import { Settings } from '../session/settings.svelte.ts'
import { documentTheme, Theme } from './theme.svelte.ts'
import { reasonsOf } from '../provide/pause-reasons.ts'
import type { TabAudit } from '../trust/tab-audit.svelte.ts'
import type { Trust } from '../trust/trust.svelte.ts'
import type { Unlisted } from '../session/unlisted.svelte.ts'
import { Wallet } from '../money/wallet.svelte.ts'

/** All state of the page. It outlives the pages, so that providing and answers go on while the visitor walks about. */
export class AppState {
  readonly settings: Settings
  readonly theme: Theme
  readonly router: Router
  readonly session: Session
  readonly ask: Ask
  readonly checks: CheckDesk
  readonly provide: Provide
  readonly network: Network
  readonly wallet: Wallet
  readonly claims: ClaimDesk
  readonly payments: PaymentDesk
  readonly energy: Energy
  readonly earning: Earning
  /** Asks for the licence of what is loaded, wherever on the page that begins. */
  readonly consent: Consent
  readonly services: Services
  readonly #licences: Licences
  #models: Promise<Models | undefined> | undefined
  #unlisted: Promise<Unlisted> | undefined
  #trust: Promise<Trust> | undefined
  #audit: Promise<TabAudit> | undefined

  constructor(outside: Services, window: Window) {
    this.#licences = new Licences(outside.settings)
    this.consent = new Consent(this.#licences)
    const startEngine = this.consent.before(
      (...engine) => outside.startEngine(...engine),
      (model) => this.session.choice(model),
    )
    const services: Services = { ...outside, startEngine }
    this.services = services
    this.settings = new Settings(services.settings)
    this.theme = new Theme(
      services.settings,
      documentTheme(window.document, (query) => window.matchMedia(query)),
    )
    this.router = new Router(window)
    this.session = new Session(services, this.settings)
    this.wallet = new Wallet(services)
    this.claims = new ClaimDesk(services.clock, this.wallet, this.settings)
    this.payments = new PaymentDesk(services, this.wallet, this.claims)
    this.ask = new Ask(services, this.session, this.settings, this.payments)
    const { session, ask, payments, settings } = this
    this.checks = new CheckDesk({ services, session, ask, payments, settings })
    this.provide = new Provide(services, this.session, this.settings, this.payments)
    this.network = new Network(this.session, this.ask)
    this.energy = new Energy(services, () => ({
      isBusy: this.provide.figures.jobs.length > 0,
      backend: this.provide.backend === 'wasm' ? 'wasm' : 'webgpu',
    }))
    this.earning = new Earning(this.wallet, this.energy)
  }

  /** What is kept of models: loaded when first wanted. Undefined where this browser keeps nothing for this page. */
  models(): Promise<Models | undefined> {
    this.#models ??= this.#openModels().catch((thrown: unknown) => {
      this.#models = undefined
      throw thrown
    })
    return this.#models
  }

  /** What each model may bring here: loaded with the page that shows it. */
  async prospects(): Promise<Prospects> {
    const { Prospects } = await import('../models/prospects.svelte.ts')
    const { session, settings, provide } = this
    return new Prospects({
      services: this.services,
      session,
      priceOf: (choice) => provide.priceOf(choice).outputPerMillion,
      share: () => settings.dutyPercent.value / 100,
    })
  }

  /** Models that are lent and that no list names: loaded when somebody looks for them. */
  unlisted(): Promise<Unlisted> {
    this.#unlisted ??= this.#openUnlisted()
    return this.#unlisted
  }

  /** What is known of who can be trusted: loaded with the page that shows it. */
  trust(): Promise<Trust> {
    this.#trust ??= import('../trust/trust.svelte.ts').then(
      ({ Trust }) => new Trust(this.services, this.session),
    )
    return this.#trust
  }

  /** This tab as an auditor: loaded with the page that shows it, and where the visitor switched it on. */
  audit(): Promise<TabAudit> {
    this.#audit ??= this.#openAudit()
    return this.#audit
  }

  start(): void {
    this.session.start()
    void this.ask.open()
    this.wallet.start()
    this.claims.start()
    this.energy.start()
    // A download that the last visit left goes on, whatever page is open.
    if (this.services.settings.get('models.downloads')) void this.models().catch(() => undefined)
    if (this.settings.audits.value) void this.audit().catch(() => undefined)
  }

  async #openAudit(): Promise<TabAudit> {
    const { TabAudit } = await import('../trust/tab-audit.svelte.ts')
    const { session, settings, services } = this
    return new TabAudit({
      ...{ session, settings, services },
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
      reasons: () => reasonsOf(settings, services.conditions),
    })
  }

  async #openUnlisted(): Promise<Unlisted> {
    const { Unlisted } = await import('../session/unlisted.svelte.ts')
    const { session, settings, services } = this
    return new Unlisted({
      ...{ session, settings, clock: services.clock },
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
      learn: (model, options) => services.learnModel(model, options),
    })
  }

  async #openModels(): Promise<Models | undefined> {
    const { openModels } = await import('../models/models.svelte.ts')
    return openModels({
      services: this.services,
      wallet: this.wallet,
      choices: this.settings,
      licences: this.#licences,
      running: () => {
        const { isPreparing, isProviding, model, lent } = this.provide
        const beside = lent.flatMap(({ place, choice }) => (place === 'out' ? [] : [choice.model]))
        return model && (isPreparing || isProviding) ? [model.model, ...beside] : []
      },
      onAdded: () => void this.session.readModels(),
    })
  }
}
