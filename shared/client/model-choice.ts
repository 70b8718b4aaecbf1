import type { ModelHash } from '../base/ids.ts'
import type { SamplerParams } from '../engine/engine.ts'
import type { CatalogueEntry } from '../models/catalogue/entry.ts'
import type { MergedEntry } from '../models/catalogue/merge-catalogues.ts'
import { hashManifest, manifestBytes, type Manifest } from '../models/manifest.ts'
import type { Task } from '../models/task.ts'
import { textLimit } from '../models/text-limit.ts'
import type { Price } from '../prompt/prompt.ts'
import { listPriceOf } from '../settle/compute-units.ts'
import { defaultsOf } from './model-defaults.ts'

/** A model that can be asked for or provided, and how it is best asked. */
export interface ModelChoice {
  /** The hash of its manifest: what offers name it by. */
  readonly model: ModelHash
  readonly name: string
  readonly task: Task
  /** Who names it, under which other names too, and its licence. */
  readonly listed: MergedEntry
  /** A few words on what it is good for. */
  readonly note: string
  /** Prompt and answer together, as far as this model keeps its wits. */
  readonly contextLength: number
  /** The longest answer that is asked for. */
  readonly answerTokens: number
  readonly sampler: SamplerParams
  /** Everything that is downloaded to run it. */
  readonly bytes: number
  /** What to ask for a token when nobody has set a price. */
  readonly suggestedPrice: Price
  /** Questions it is good at, to begin with. */
  readonly examples: readonly string[]
}

export function choiceOf(listed: MergedEntry, manifest: Manifest): ModelChoice {
  const { name, about }: CatalogueEntry = listed.entry
  const { contextLength = textLimit(manifest), ...defaults } = defaultsOf(manifest)
  return {
    model: hashManifest(manifest),
    name,
    task: manifest.task,
    listed,
    note: about,
    contextLength,
    ...defaults,
    bytes: manifestBytes(manifest),
    suggestedPrice: listPriceOf(manifest),
  }
}
