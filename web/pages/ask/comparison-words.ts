import { isOpen, type AnswerRecord } from '../../state/ask/conversation.ts'
import { plural } from '../../ui/format.ts'

/** What is known of an answer that two providers were asked for; undefined where one was. */
export function comparisonWords({ comparison, stage, tokens: written }: AnswerRecord): string | undefined {
  if (!comparison) return undefined
  const { tokens, parted, reasonCode } = comparison
  if (parted)
    return `Two providers read the prompt. They wrote different words from token ${parted.position + 1} on. This text is of one of them; which one is wrong is not known.`
  if (tokens === undefined)
    return isOpen(stage)
      ? 'Two providers read the prompt. Their words are compared.'
      : 'Two providers read the prompt. Their words were not compared to the end.'
  if (tokens === 0)
    return reasonCode === 'schedule.no-provider'
      ? 'Only one provider read the prompt: no other one was there.'
      : 'Nothing could be compared: the second provider wrote nothing.'
  const same = `Two providers read the prompt, and wrote the same ${plural(tokens, 'token')}`
  // Of an answer that was stopped and continued, what only one had written by then was never compared.
  return reasonCode === undefined && stage === 'done' && tokens >= written
    ? `${same}.`
    : `${same} as far as both came.`
}
