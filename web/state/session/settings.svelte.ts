import { MAX_PROBES_PER_HOUR } from '#shared/verify/audit/constants.ts'
import { oneOf, Persisted, percent, text, whole, yesNo } from './persisted.svelte.ts'
import type { SettingsStore } from './services.ts'

export type AskPlace = 'network' | 'tab' | 'tab-first'

/** Who checks answers by itself: this tab where it has the model, else a stranger; only this tab; only strangers. */
export type CheckPlace = 'tab-first' | 'tab' | 'stranger'

/** What the visitor has chosen. */
export class Settings {
  readonly askModel: Persisted<string | undefined>
  /** Whether those who are asked are kept from seeing this tab's network address. */
  readonly hideAddress: Persisted<boolean>
  /** Whether no peer is asked for a model's files, nor any given to one. */
  readonly originsOnly: Persisted<boolean>
  /** Who answers: `tab-first` is this tab where it has the model, else the network. */
  readonly askPlace: Persisted<AskPlace>
  /** How many of a hundred answers are checked without being asked, 0 to 100. */
  readonly checkPercent: Persisted<number>
  readonly checkPlace: Persisted<CheckPlace>
  /** The most INF that checks of a day may cost by themselves, as the visitor typed it. */
  readonly checkBudget: Persisted<string | undefined>
  /** Whether two providers get each prompt, to be compared; both are paid. */
  readonly askTwo: Persisted<boolean>
  /** Whether this tab probes providers. */
  readonly audits: Persisted<boolean>
  /** How many an hour, at most. */
  readonly auditsPerHour: Persisted<number>
  readonly provideModel: Persisted<string | undefined>
  /** Whether the other models kept here are lent beside the chosen one. */
  readonly lendOthers: Persisted<boolean>
  /** How much of the time the GPU may compute for others, 10 to 100. */
  readonly dutyPercent: Persisted<number>
  readonly pauseHidden: Persisted<boolean>
  readonly pauseOnBattery: Persisted<boolean>
  readonly pauseMetered: Persisted<boolean>
  /** Words that this tab does not answer, one phrase a line, as the visitor typed them. */
  readonly refusedWords: Persisted<string | undefined>
  /** INF for a million tokens as the visitor typed it; `undefined` takes the model's suggestion. */
  readonly pricePerMillion: Persisted<string | undefined>
  /** Whether the wallet in this tab claims without being asked. */
  readonly claimsItself: Persisted<boolean>
  /** How much must wait before it is claimed ahead of its time, as the visitor typed it. */
  readonly claimLeast: Persisted<string | undefined>

  constructor(store: SettingsStore) {
    this.askModel = new Persisted(store, 'ask.model', text)
    this.hideAddress = new Persisted(store, 'ask.hide-address', yesNo(false))
    this.originsOnly = new Persisted(store, 'models.origins-only', yesNo(false))
    this.askPlace = new Persisted(store, 'ask.place', oneOf<AskPlace>('network', 'tab', 'tab-first'))
    this.checkPercent = new Persisted(store, 'check.percent', percent(0, 0))
    this.checkPlace = new Persisted(store, 'check.place', oneOf<CheckPlace>('tab-first', 'tab', 'stranger'))
    this.checkBudget = new Persisted(store, 'check.budget', text)
    this.askTwo = new Persisted(store, 'ask.two', yesNo(false))
    this.audits = new Persisted(store, 'audit.on', yesNo(false))
    const perHour = { least: 1, most: MAX_PROBES_PER_HOUR, fallback: 6 }
    this.auditsPerHour = new Persisted(store, 'audit.per-hour', whole(perHour))
    this.provideModel = new Persisted(store, 'provide.model', text)
    // Off: who chose one model gets it lent without the waits that others' loads bring.
    this.lendOthers = new Persisted(store, 'provide.others', yesNo(false))
    this.dutyPercent = new Persisted(store, 'provide.duty', percent(10))
    this.pauseHidden = new Persisted(store, 'provide.pause-hidden', yesNo(false))
    this.pauseOnBattery = new Persisted(store, 'provide.pause-battery', yesNo(true))
    this.pauseMetered = new Persisted(store, 'provide.pause-metered', yesNo(true))
    this.refusedWords = new Persisted(store, 'provide.refused-words', text)
    this.pricePerMillion = new Persisted(store, 'provide.price', text)
    this.claimsItself = new Persisted(store, 'claim.itself', yesNo(true))
    this.claimLeast = new Persisted(store, 'claim.least', text)
  }
}
