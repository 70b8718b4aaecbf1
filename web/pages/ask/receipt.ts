import { isFree } from '#shared/prompt/free-price.ts'
import type { AnswerRecord } from '../../state/conversation.ts'
import { formatInf, formatMillis, formatSpeed, pathInWords, plural } from '../../ui/format.ts'

/** Who wrote which part, one row a stretch. */
export function receiptRows({ segments }: AnswerRecord) {
  return segments.map((segment) => ({
    provider: segment.provider,
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
export function costWords({ segments, due }: AnswerRecord, isOpen: boolean): string {
  if (segments.every(({ price }) => isFree(price))) return 'free'
  return `${formatInf(due)}${isOpen ? ' so far' : ''}`
}

/** What holds for the whole answer. */
export function receiptFacts(answer: AnswerRecord, modelName: string) {
  const { segments, ttftMs, due } = answer
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
    ...(segments.some((segment) => segment.isUsageDisputed)
      ? [
          {
            name: 'Count',
            value: 'A provider claimed another number of tokens than came. Only what came is owed.',
          },
        ]
      : []),
  ]
}

/** Answers from before payments came are kept without the field. */
function paidOf(segment: { readonly paid?: bigint }): bigint {
  return segment.paid ?? 0n
}
