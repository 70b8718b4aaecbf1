import type { SettingsStore } from './services.ts'

/** What the visitor has chosen. Each value is read once and kept in step with the store. */
export class Settings {
  readonly #store: SettingsStore
  #askModel = $state<string | undefined>()
  #hideAddress = $state(false)
  #lendModel = $state<string | undefined>()
  #dutyPercent = $state(100)
  #pauseHidden = $state(false)
  #pauseOnBattery = $state(true)
  #pauseMetered = $state(true)
  #pricePerMillion = $state<string | undefined>()
  #claimsItself = $state(true)
  #claimLeast = $state<string | undefined>()

  constructor(store: SettingsStore) {
    this.#store = store
    this.#askModel = store.get('ask.model')
    this.#hideAddress = store.get('ask.hide-address') === 'yes'
    this.#lendModel = store.get('lend.model')
    this.#dutyPercent = clampDuty(Number(store.get('lend.duty') ?? 100))
    this.#pauseHidden = store.get('lend.pause-hidden') === 'yes'
    this.#pauseOnBattery = store.get('lend.pause-battery') !== 'no'
    this.#pauseMetered = store.get('lend.pause-metered') !== 'no'
    this.#pricePerMillion = store.get('lend.price')
    this.#claimsItself = store.get('claim.itself') !== 'no'
    this.#claimLeast = store.get('claim.least')
  }

  get askModel(): string | undefined {
    return this.#askModel
  }
  set askModel(model: string | undefined) {
    this.#askModel = model
    this.#store.set('ask.model', model ?? '')
  }

  /** Whether those who are asked are kept from seeing this tab's network address. */
  get hideAddress(): boolean {
    return this.#hideAddress
  }
  set hideAddress(on: boolean) {
    this.#hideAddress = on
    this.#store.set('ask.hide-address', yesNo(on))
  }

  get lendModel(): string | undefined {
    return this.#lendModel
  }
  set lendModel(model: string | undefined) {
    this.#lendModel = model
    this.#store.set('lend.model', model ?? '')
  }

  /** How much of the time the GPU may compute for others, 10 to 100. */
  get dutyPercent(): number {
    return this.#dutyPercent
  }
  set dutyPercent(percent: number) {
    this.#dutyPercent = clampDuty(percent)
    this.#store.set('lend.duty', String(this.#dutyPercent))
  }

  get pauseHidden(): boolean {
    return this.#pauseHidden
  }
  set pauseHidden(on: boolean) {
    this.#pauseHidden = on
    this.#store.set('lend.pause-hidden', yesNo(on))
  }

  get pauseOnBattery(): boolean {
    return this.#pauseOnBattery
  }
  set pauseOnBattery(on: boolean) {
    this.#pauseOnBattery = on
    this.#store.set('lend.pause-battery', yesNo(on))
  }

  get pauseMetered(): boolean {
    return this.#pauseMetered
  }
  set pauseMetered(on: boolean) {
    this.#pauseMetered = on
    this.#store.set('lend.pause-metered', yesNo(on))
  }

  /** INF for a million tokens as the visitor typed it; `undefined` takes the model's suggestion. */
  get pricePerMillion(): string | undefined {
    return this.#pricePerMillion
  }
  set pricePerMillion(text: string | undefined) {
    this.#pricePerMillion = text
    this.#store.set('lend.price', text ?? '')
  }

  /** Whether the wallet in this tab claims without being asked. */
  get claimsItself(): boolean {
    return this.#claimsItself
  }
  set claimsItself(on: boolean) {
    this.#claimsItself = on
    this.#store.set('claim.itself', yesNo(on))
  }

  /** How much must wait before it is claimed ahead of its time, as the visitor typed it. */
  get claimLeast(): string | undefined {
    return this.#claimLeast
  }
  set claimLeast(text: string | undefined) {
    this.#claimLeast = text
    this.#store.set('claim.least', text ?? '')
  }
}

function clampDuty(percent: number): number {
  return Number.isFinite(percent) ? Math.min(100, Math.max(10, Math.round(percent))) : 100
}

function yesNo(on: boolean): string {
  return on ? 'yes' : 'no'
}
