import type { ModelHash } from '#shared/base/ids.ts'
import { parseRefusalRule, screenBy, type RefusalRule } from '#shared/client/refusal-rule.ts'
import type { Screen } from '#shared/stream/screen.ts'
import type { Settings } from '../session/settings.svelte.ts'
import type { ProvideServices } from './services.ts'

/** What the visitor does not want to answer, by a rule that stays in this browser, and how much of it came. */
export class Refusals {
  readonly #services: Pick<ProvideServices, 'loadReader'>
  readonly #settings: Settings
  readonly #rule = $derived.by(() => parseRefusalRule(this.#settings.refusedWords.value ?? ''))
  #count = $state(0)

  constructor(services: Pick<ProvideServices, 'loadReader'>, settings: Settings) {
    this.#services = services
    this.#settings = settings
  }

  get rule(): RefusalRule {
    return this.#rule
  }
  /** Prompts and answers to check that were refused since {@link begin}. */
  get count(): number {
    return this.#count
  }

  begin(): void {
    this.#count = 0
  }

  /** Looks at what comes for this model, by the rule of that moment. */
  screenOf(model: ModelHash): Screen {
    return screenBy({
      rule: () => this.#rule,
      loadReader: () => this.#services.loadReader(model),
      onRefused: () => void this.#count++,
    })
  }
}
