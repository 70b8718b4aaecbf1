import type { ModelChoice } from '#shared/client/model-choice.ts'
import type { LoadProgress } from '#shared/models/load-progress.ts'
import type { Ask } from '../../state/ask/ask.svelte.ts'
import type { AnswerRecord } from '../../state/ask/conversation.ts'
import type { AskPlace } from '../../state/session/settings.svelte.ts'
import { formatBytes, plural } from '../../ui/format.ts'
import type { Step } from '../../ui/steps.ts'

/** Who may answer, with what it takes for this tab to do so. */
export function placesFor({
  model,
  local,
}: Ask): readonly { readonly value: AskPlace; readonly label: string }[] {
  const isHere = local.has(model?.model)
  const load = isHere === false && model ? `, ${formatBytes(model.bytes)} to load` : ''
  return [
    { value: 'network', label: 'the network' },
    { value: 'tab', label: `this tab${isHere ? ', it has the model' : load}` },
    { value: 'tab-first', label: 'this tab where it has the model' },
  ]
}

/** Who sees what of a question that stays here. */
export const STAYS_HERE = 'Your prompt stays in this tab: no network, no payment, nobody else reads it.'

/** What the empty page says where the next question stays in this tab. */
export function hereWords(ask: Ask): {
  readonly title: string
  readonly text: string
  readonly empty: boolean
} {
  const { model, local } = ask
  const load =
    model && local.has(model.model) === false
      ? ` ${model.name} is downloaded first: ${formatBytes(model.bytes)}.`
      : ''
  return {
    title: 'Ask an AI that runs in this tab.',
    text: `Nothing you ask leaves this device, and it costs nothing.${load}`,
    empty: false,
  }
}

/** What a question waits for that this tab answers itself. */
export function openingWords(progress: LoadProgress | 'opening', model: string): string {
  if (progress === 'opening' || progress.phase === 'starting') return `Starting ${model} in this tab`
  if (progress.phase === 'testing') return `Testing ${model} on this device`
  const amount = `${formatBytes(progress.loadedBytes)} of ${formatBytes(progress.totalBytes)}`
  return progress.phase === 'checking'
    ? `Reading ${model} from this device: ${amount}`
    : `Downloading ${model}: ${amount}`
}

/** The offer to answer without anybody else. */
export function runHereStep({ local }: Ask, { model, bytes }: ModelChoice, run: () => void): Step {
  const load = local.has(model) === false ? `, ${formatBytes(bytes)} to load` : ''
  return { label: `Run it in this tab${load}`, run }
}

/** True where this tab wrote all of the answer. */
export function isAllHere({ localFrom, segments }: AnswerRecord): boolean {
  return localFrom !== undefined && segments.length === 0
}

/** What holds for an answer of this tab's own. */
export function localFacts(answer: AnswerRecord, modelName: string) {
  const { ttftMs, tokens } = answer
  return [
    { name: 'Model', value: modelName },
    { name: 'Written by', value: 'this tab' },
    { name: 'Length', value: plural(tokens, 'token') },
    ...(ttftMs === undefined ? [] : [{ name: 'First token', value: `${(ttftMs / 1000).toFixed(2)} s` }]),
    { name: 'Owed', value: 'nothing' },
  ]
}
