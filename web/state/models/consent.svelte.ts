import { raceSignal } from '#shared/base/wait.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { needsAcceptance } from '#shared/models/free-licences.ts'
import type { SessionServices } from '../session/services.ts'
import type { Licences } from './licences.ts'

/** What a model is loaded for. */
export type LoadPurpose = 'lend' | 'run'

export interface ConsentQuestion {
  readonly choice: ModelChoice
  readonly purpose: LoadPurpose
}

interface Waiting extends ConsentQuestion {
  readonly decided: PromiseWithResolvers<void>
}

/** Asks for the licence of a model before it is loaded into this tab, once for each; several wait for their turn. */
export class Consent {
  readonly #licences: Licences
  #waiting = $state.raw<readonly Waiting[]>([])

  constructor(licences: Licences) {
    this.#licences = licences
  }

  /** What the visitor is asked now. */
  get asked(): ConsentQuestion | undefined {
    return this.#waiting[0]
  }

  /** Whether the model may be loaded without a question. */
  isGiven({ model, listed }: Pick<ModelChoice, 'model' | 'listed'>): boolean {
    return !needsAcceptance(listed.entry.licence) || this.#licences.has({ kind: 'model', model })
  }

  /** The visitor has read the licence that is shown, and takes it. */
  accept(): void {
    const { asked } = this
    if (!asked) return
    this.#licences.accept({ kind: 'model', model: asked.choice.model })
    for (const { choice, decided } of this.#waiting) if (this.isGiven(choice)) decided.resolve()
  }

  decline(): void {
    const [first] = this.#waiting
    const licence = first?.choice.listed.entry.licence.id
    first?.decided.reject(new InfernetError('origin.unaccepted', { licence }))
  }

  /** `startEngine` that loads nothing before the licence was accepted: whoever starts one passes here. */
  before(
    startEngine: SessionServices['startEngine'],
    find: (model: ModelChoice['model']) => ModelChoice | undefined,
  ): SessionServices['startEngine'] {
    return async (model, init, options) => {
      const choice = find(model)
      if (!choice) throw new InfernetError('models.unknown')
      await this.#ask({ choice, purpose: init.isLent ? 'lend' : 'run' }, options.signal)
      return startEngine(model, init, options)
    }
  }

  /** @throws InfernetError `origin.unaccepted`, or the signal's reason */
  async #ask(question: ConsentQuestion, signal: AbortSignal): Promise<void> {
    if (this.isGiven(question.choice)) return
    signal.throwIfAborted()
    const waiting: Waiting = { ...question, decided: Promise.withResolvers<void>() }
    this.#waiting = [...this.#waiting, waiting]
    try {
      await raceSignal(waiting.decided.promise, signal)
    } finally {
      this.#waiting = this.#waiting.filter((each) => each !== waiting)
    }
  }
}
