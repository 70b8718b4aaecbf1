import { isFree } from '#shared/prompt/free-price.ts'
import type { AnswerRecord } from '../../state/ask/conversation.ts'
import { providerHref } from '../provider-link.ts'
import { formatInf, formatMillis, formatSpeed, pathInWords, plural } from '../../ui/format.ts'

/** Who wrote which part, one row a stretch; of two that were asked, the other one's rows come last. */
export function receiptRows({ segments, second = [] }: AnswerRecord) {
  return [...segments, ...second].map((segment) => ({
    provider: segment.provider,
    href: providerHref(segment.provider),
    badge: segment.backend === 'wasm' ? 'CPU' : segment.kind === 'node' ? 'server' : undefined,
    tokens: segment.tokens,
    signedTokens: segment.signedTokens,
    connection: `${pathInWords(segment.path)}, ${formatMillis(segment.rttMs)}`,
    speed: segment.tokensPerSecond > 0 ? formatSpeed(segment.tokensPerSecond) : '—',
    due: isFree(segment.price) ? 'free' : formatInf(segment.due),
    paid: isFree(segment.price) ? '—' : formatInf(paidOf(segment)),
  }))
}

/** What an answer comes to, in the line under it. */
export function costWords(answer: AnswerRecord, isOpen: boolean): string {
  if (allOf(answer).every(({ price }) => isFree(price))) return 'free'
  return `${formatInf(answer.due + paidForNothing(answer))}${isOpen ? ' so far' : ''}`
}

/** What was paid for prompts of which nobody said that they were taken. */
function paidForNothing(answer: AnswerRecord): bigint {
  return allOf(answer).reduce((sum, segment) => {
    const beyond = paidOf(segment) - segment.due
    return beyond > 0n ? sum + beyond : sum
  }, 0n)
}

/** What is said under an answer that was stopped. A prompt that was taken is paid for, words or none. */
export function stoppedWords({ tokens, segments, localFrom }: AnswerRecord): string {
  if (localFrom !== undefined && tokens > 0)
    return 'Stopped here. It can go on in this tab, or by a provider.'
  if (tokens > 0) return 'Stopped here. To continue it, a provider reads the question and this part again.'
  if (segments.length === 0) return 'Not sent. The question is kept.'
  const isPaid = segments.some((segment) => paidOf(segment) > 0n)
  return `Stopped before the first word.${isPaid ? ' The prompt was paid for.' : ''}`
}

/** What holds for the whole answer. */
export function receiptFacts(answer: AnswerRecord, modelName: string) {
  const { ttftMs, due } = answer
  const segments = allOf(answer)
  const forNothing = paidForNothing(answer)
  const [only] = segments
  const signed = segments.reduce((sum, segment) => sum + segment.signedTokens, 0)
  return [
    { name: 'Model', value: modelName },
    ...(ttftMs === undefined ? [] : [{ name: 'First token', value: `${(ttftMs / 1000).toFixed(2)} s` }]),
    ...(only && segments.length === 1
      ? [{ name: 'Connection', value: `${pathInWords(only.path)}, ${formatMillis(only.rttMs)} away` }]
      : []),
    ...(segments.length > 0 && segments.every(({ price }) => isFree(price))
      ? [{ name: 'Owed', value: `nothing for ${plural(signed, 'signed token')}: this was free` }]
      : [
          { name: 'Owed', value: `${formatInf(due)} for the prompt and ${plural(signed, 'signed token')}` },
          { name: 'Paid', value: formatInf(segments.reduce((sum, segment) => sum + paidOf(segment), 0n)) },
        ]),
    ...(answer.localFrom === undefined
      ? []
      : [{ name: 'This tab', value: `wrote a part of it by itself, from token ${answer.localFrom} on` }]),
    ...(forNothing > 0n
      ? [
          {
            name: 'Prepaid',
            value: `${formatInf(forNothing)} of that went to a provider that did not say whether it took the prompt.`,
          },
        ]
      : []),
    ...(segments.some((segment) => segment.isUsageDisputed)
      ? [
          {
            name: 'Count',
            value: 'A provider counted more or fewer tokens than arrived. You owe only for what arrived.',
          },
        ]
      : []),
  ]
}

/** Answers from before payments came are kept without the field. */
function paidOf(segment: { readonly paid?: bigint }): bigint {
  return segment.paid ?? 0n
}

/** All that were asked and wrote something, those whose words are not shown too. */
function allOf({ segments, second = [] }: AnswerRecord): AnswerRecord['segments'] {
  return [...segments, ...second]
}
