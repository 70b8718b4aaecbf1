import type { ModelHash } from '#shared/base/ids.ts'
import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { ModelPlace } from '#shared/peer/peer.ts'
import type { ProvidedModel } from '#shared/peer/provide-model.ts'
import type { LentModel, LentPlace } from './lending.ts'
import type { TabReason } from './pause-reasons.ts'

/** A model that is offered. */
export interface OfferedModel {
  readonly choice: ModelChoice
  readonly provided: ProvidedModel<TabReason>
}

/** A model that is not offered any more, or could not be. */
export interface ModelOut {
  readonly choice: ModelChoice
  readonly error: InfernetError
  readonly provided: ProvidedModel<TabReason> | undefined
}

export interface LentParts {
  readonly offered: ReadonlyMap<ModelHash, OfferedModel>
  readonly out: ReadonlyMap<ModelHash, ModelOut>
  readonly unmeasured: readonly ModelChoice[]
  /** What is loaded to be measured. */
  readonly measuring: ModelChoice | undefined
  readonly loading: ModelHash | undefined
  /** Of what is loading. */
  readonly progress: LoadProgress | undefined
  readonly placeOf: (model: ModelHash) => ModelPlace
}

const NOTHING = {
  ...{ progress: undefined, loadMs: undefined, error: undefined },
  ...{ running: 0, answers: 0, due: 0n },
}

/** Where each model stands, each once. */
export function lentModels({ offered, out, unmeasured, measuring, ...now }: LentParts): readonly LentModel[] {
  const { progress } = now
  const isNew = ({ model }: ModelChoice): boolean => !offered.has(model) && !out.has(model)
  const waiting = unmeasured.filter((choice) => isNew(choice) && choice !== measuring)
  return [
    ...[...offered.values()].map((each) => lentModel(each, now)),
    ...(measuring && isNew(measuring)
      ? [{ ...NOTHING, choice: measuring, place: 'measuring' as const, progress }]
      : []),
    ...waiting.map((choice) => ({ ...NOTHING, choice, place: 'unmeasured' as const })),
    ...[...out.values()].filter(({ choice }) => !offered.has(choice.model)).map(modelOut),
  ]
}

function lentModel(
  { choice, provided }: OfferedModel,
  { loading, progress, placeOf }: Pick<LentParts, 'loading' | 'progress' | 'placeOf'>,
): LentModel {
  const { tier, loadMs } = placeOf(choice.model)
  const isLoading = loading === choice.model
  const away: LentPlace = isLoading ? 'loading' : provided.restart ? 'resting' : 'kept'
  return {
    choice,
    place: tier === undefined ? 'loaded' : away,
    progress: isLoading ? progress : undefined,
    loadMs,
    ...countsOf(provided),
    error: provided.restart?.reason,
  }
}

function modelOut({ choice, error, provided }: ModelOut): LentModel {
  return { ...NOTHING, choice, place: 'out', error, ...(provided && countsOf(provided)) }
}

function countsOf({ provision }: ProvidedModel<TabReason>): Pick<LentModel, 'running' | 'answers' | 'due'> {
  const { served } = provision
  const jobs = provision.state === 'ended' ? [] : provision.jobs
  return {
    running: jobs.length,
    answers: served.jobs,
    due: [served, ...jobs].reduce((sum, { due }) => sum + due, 0n),
  }
}
