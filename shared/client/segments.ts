import { tokens as count } from '../base/units.ts'
import type { AnswerEvent, Segment } from '../peer/peer.ts'

/** Who wrote what of an answer, after one more event. */
export function segmentsAfter(
  segments: readonly Segment[],
  event: AnswerEvent | { readonly type: 'text' | 'begun' | 'local' },
): readonly Segment[] {
  const last = segments.at(-1)
  switch (event.type) {
    case 'assigned':
      return [...segments.filter(hasCost), event.segment]
    case 'tokens':
      return last
        ? withLast(segments, { ...last, tokens: count(last.tokens + event.tokens.length) })
        : segments
    case 'chunk':
      return withLast(segments, event.segment)
    case 'ended':
      return event.wasAssigned
        ? withLast(segments, event.segment)
        : [...segments.filter(hasCost), event.segment]
    case 'done':
      return event.summary.segments
    default:
      return segments
  }
}

/** What the second one of two providers, and those who went on for it, wrote of an answer, after one more event. */
export function secondAfter(
  second: readonly Segment[],
  event: AnswerEvent | { readonly type: 'text' | 'begun' | 'local' },
): readonly Segment[] {
  if (event.type === 'done') return event.summary.second ?? []
  if (event.type !== 'second') return second
  const { segment } = event
  const isNew = ({ provider, from }: Segment): boolean =>
    provider !== segment.provider || from !== segment.from
  return [...second.filter((each) => isNew(each) && hasCost(each)), segment]
}

/** A chunk may be told of after more tokens came: the count never goes back. */
function withLast(segments: readonly Segment[], segment: Segment): readonly Segment[] {
  const last = segments.at(-1)
  const tokens = Math.max(segment.tokens, last?.provider === segment.provider ? last.tokens : 0)
  return [...segments.slice(0, -1), { ...segment, tokens: count(tokens) }]
}

/** Who took the job and went before the first token wrote nothing; whoever was paid for the prompt is named still. */
export function hasCost({ tokens, due, paid }: Segment): boolean {
  return tokens > 0 || due > 0n || paid > 0n
}
