import type { ModelHash } from '#shared/base/ids.ts'
import { baseUnits, type BaseUnits } from '#shared/base/units.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { Backend } from '#shared/engine/engine.ts'
import type { GpuInspection } from '../../engine/inspect-gpu.ts'
import { Persisted } from '../session/persisted.svelte.ts'
import type { Session } from '../session/session.svelte.ts'
import type { SettingsStore } from '../session/services.ts'
import type { ModelsServices } from './services.ts'

/** What an engine's self-test found on this device. */
export interface MeasuredSpeed {
  readonly model: ModelHash
  readonly backend: Backend
  /** Of all answers together. */
  readonly tokensPerSecond: number
}

export interface Prospect {
  readonly choice: ModelChoice
  /** Undefined before the browser was asked. */
  readonly gpu: GpuInspection | undefined
  /** Undefined where nothing was ever measured here. */
  readonly speed:
    { readonly tokensPerSecond: number; readonly from: ModelChoice; readonly isOwn: boolean } | undefined
  /** What one hour of writing without a pause brings; undefined with the speed. */
  readonly fullHour: BaseUnits | undefined
  /** Places taken of places that others offer for it now; undefined while nobody does. */
  readonly use: { readonly busy: number; readonly slots: number } | undefined
  /** What an hour brings when this tab is as busy as they are. */
  readonly likelyHour: BaseUnits | undefined
}

export interface ProspectsComponents {
  readonly services: Pick<ModelsServices, 'inspectGpu'> & { readonly settings: SettingsStore }
  readonly session: Pick<Session, 'models' | 'offersFor' | 'choice'>
  /** What this tab asks for a million tokens of a model. */
  readonly priceOf: (choice: ModelChoice) => BaseUnits
  /** How much of the time it may compute for others, (0, 1]. */
  readonly share: () => number
}

const HOUR_SECONDS = 3600n
const MILLION = 1_000_000n
/** Thousandths keep a slow processor's half token. */
const PARTS = 1000

/**
 * Whether each model runs here and what it may bring, before anything is downloaded.
 *
 * All of it is estimated. The speed is that of the last self-test here, turned from one model to another by the work
 * of a written token, which is what list prices stand for (`shared/settle/compute-units.ts`). How busy this tab would
 * be is taken from those who lend the model now. What is not known stays unknown.
 */
export class Prospects {
  readonly #components: ProspectsComponents
  readonly #measured: Persisted<MeasuredSpeed | undefined>
  #gpus = $state.raw<Readonly<Record<ModelHash, GpuInspection>>>({})

  constructor(components: ProspectsComponents) {
    this.#components = components
    this.#measured = new Persisted(components.services.settings, 'provide.measured', {
      read: readMeasured,
      write: (value) => JSON.stringify(value ?? null),
    })
  }

  get list(): readonly Prospect[] {
    return this.#components.session.models.map((choice) => this.#of(choice))
  }

  /** Asks the browser whether each model fits its GPU. Opens no device. */
  async inspect(): Promise<void> {
    for (const { model } of this.#components.session.models) {
      if (this.#gpus[model]) continue
      const gpu = await this.#components.services.inspectGpu(model)
      this.#gpus = { ...this.#gpus, [model]: gpu }
    }
  }

  /** Keeps what a self-test found, for the next visit too. */
  note(measured: MeasuredSpeed): void {
    const { model, backend, tokensPerSecond } = this.#measured.value ?? {}
    const isKnown =
      model === measured.model && backend === measured.backend && tokensPerSecond === measured.tokensPerSecond
    if (!isKnown && measured.tokensPerSecond > 0) this.#measured.value = measured
  }

  #of(choice: ModelChoice): Prospect {
    const gpu = this.#gpus[choice.model]
    const speed = this.#speedOf(choice, gpu)
    const offers = this.#components.session.offersFor(choice.model).map(({ offer }) => offer)
    const slots = offers.reduce((sum, offer) => sum + offer.slots, 0)
    const busy = offers.reduce((sum, offer) => sum + Math.min(offer.busySlots, offer.slots), 0)
    const fullHour = speed && this.#hourOf(choice, speed.tokensPerSecond)
    const use = slots > 0 ? { busy, slots } : undefined
    const likelyHour =
      fullHour !== undefined && use ? baseUnits((fullHour * BigInt(use.busy)) / BigInt(use.slots)) : undefined
    return { choice, gpu, speed, fullHour, use, likelyHour }
  }

  #speedOf(choice: ModelChoice, gpu: GpuInspection | undefined): Prospect['speed'] {
    const measured = this.#measured.value
    const from = this.#components.session.choice(measured?.model)
    if (!measured || !from || !gpu) return undefined
    const backend: Backend = gpu.problem ? 'wasm' : 'webgpu'
    if (measured.backend !== backend) return undefined
    const isOwn = from.model === choice.model
    const ratio =
      Number(from.suggestedPrice.outputPerMillion) / Number(choice.suggestedPrice.outputPerMillion)
    return {
      tokensPerSecond: isOwn ? measured.tokensPerSecond : measured.tokensPerSecond * ratio,
      from,
      isOwn,
    }
  }

  #hourOf(choice: ModelChoice, tokensPerSecond: number): BaseUnits {
    const perSecond = BigInt(Math.round(tokensPerSecond * this.#components.share() * PARTS))
    return baseUnits(
      (this.#components.priceOf(choice) * perSecond * HOUR_SECONDS) / (MILLION * BigInt(PARTS)),
    )
  }
}

/** Another version of this page may have written it. */
function readMeasured(text: string | undefined): MeasuredSpeed | undefined {
  try {
    const read = JSON.parse(text ?? 'null') as Partial<Record<keyof MeasuredSpeed, unknown>> | null
    const { model, backend, tokensPerSecond } = read ?? {}
    if (typeof model !== 'string' || typeof tokensPerSecond !== 'number') return undefined
    if (backend !== 'webgpu' && backend !== 'wasm') return undefined
    if (!Number.isFinite(tokensPerSecond) || tokensPerSecond <= 0) return undefined
    return { model: model as ModelHash, backend, tokensPerSecond }
  } catch {
    return undefined
  }
}
