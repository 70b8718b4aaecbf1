import { toHex } from '#shared/base/bytes.ts'
import { shortPeerName } from '#shared/base/ids.ts'
import type { Findings } from '#shared/verify/verdict.ts'
import { markOf, type FoundCheck, type JobCheck, type MarkOutcome } from '../../../state/ask/check-record.ts'
import { formatInf } from '../../../ui/format.ts'
import { machineWords } from '../../network/class-words.ts'

/** 0.0213 @internal */
export function formatLogits(value: number): string {
  if (value === 0) return '0'
  return value < 0.0001 ? 'under 0.0001' : value.toPrecision(3).replace(/\.?0+$/, '')
}

/** What a check found, name by name. */
export function findingRows({ verdict, cost, by }: FoundCheck): readonly Fact[] {
  const { findings } = verdict
  return [
    { name: by === 'self' ? 'Class' : 'Class, as it says', value: machineWords(verdict.class) },
    { name: 'Engine', value: verdict.class.build || 'not said' },
    { name: 'Tokens read again', value: String(findings.tokens) },
    { name: 'Drawn the same', value: sameWords(findings) },
    { name: 'Largest margin', value: `${formatLogits(findings.largestMargin)} logits` },
    { name: 'Sketches opened', value: `${findings.opened} of ${findings.tokens}` },
    ...(findings.opened > 0
      ? [
          { name: 'Sketch distance', value: `${formatLogits(findings.sketchDistance)} logits` },
          { name: 'Largest of one', value: `${formatLogits(findings.largestSketchDistance)} logits` },
        ]
      : []),
    { name: 'Cost', value: cost === 0n ? 'free' : formatInf(cost) },
    {
      name: 'When',
      value: new Date(verdict.at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' }),
    },
  ]
}

export interface Fact {
  readonly name: string
  readonly value: string
}

function sameWords({ margins, tokens }: Findings): string {
  const [same, near, far, beyond] = margins
  const rest = [
    ...(near > 0 ? [`${near} near`] : []),
    ...(far > 0 ? [`${far} far`] : []),
    ...(beyond > 0 ? [`${beyond} beyond`] : []),
  ]
  return `${same} of ${tokens}${rest.length > 0 ? `, ${rest.join(', ')}` : ''}`
}

/** A hash or a signature, short enough to compare by eye. */
export function shortHex(bytes: Uint8Array): string {
  return `${toHex(bytes.subarray(0, 4))}…${toHex(bytes.subarray(-2))}`
}

/** What the words beside the numbers mean, for who meets them first. */
export const MEANINGS: readonly Fact[] = [
  {
    name: 'Class',
    value: 'What the verifier computed on, and with which program. Of a stranger it is that stranger’s word.',
  },
  {
    name: 'Drawn the same',
    value:
      'Tokens that the verifier would have drawn itself, from the same prompt and seed. Another one is near where rounding explains it, far where it hardly does, beyond where it does not.',
  },
  {
    name: 'Margin',
    value:
      'How much higher the verifier’s own choice scored than the token that was written; 0 where both are the same.',
  },
  {
    name: 'Sketch distance',
    value:
      'The provider signed 16 of the model’s scores with each token. This is how far the verifier’s own lie from them. Scores are counted in logits.',
  },
  {
    name: 'Envelope',
    value: 'The limits that the outcome was reckoned by: the same for everybody, named by a hash.',
  },
]

/** Where several checks stand one below the other: whose this is, and of which part. */
export function checkLabel(
  { found, provider }: JobCheck,
  part: { readonly from: number; readonly tokens: number } | undefined,
): string {
  const of = part ? `tokens ${part.from + 1} to ${part.from + part.tokens}` : undefined
  const by = found
    ? `by ${found.by === 'self' ? 'this tab' : shortPeerName(found.verifier)}`
    : `by nobody; ${shortPeerName(provider)} wrote it`
  return [of, by].filter(Boolean).join(', ')
}

/** The mark of one check. */
export function checkOutcome(check: JobCheck): MarkOutcome {
  return markOf([check], 0)
}
