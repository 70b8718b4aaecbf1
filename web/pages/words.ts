import { isErrorCode } from '#shared/errors/code-table.ts'
import type { InfernetError } from '#shared/errors/infernet-error.ts'
import { shortPeerName } from '#shared/base/ids.ts'
import { THIS_TAB, type AnswerRecord, type SeamRecord } from '../state/ask/conversation.ts'
import { formatSeconds, plural } from '../ui/format.ts'
import type { SeamView } from '../ui/paragraphs.ts'
import type { Failure } from '../ui/steps.ts'
import { pageWords } from './error-words.ts'

/** An error as a page says it: every page takes its words from here, never from the error itself. */
export function failureOf({ code, facts }: InfernetError): Failure {
  return { code, ...pageWords(code, facts) }
}

/** Codes that a provider's leaving ends with when nobody could go on. */
const LEFT: ReadonlySet<string> = new Set([
  'stream.provider-lost',
  'stream.silent',
  'stream.bad-chunk',
  'stream.draining',
  'mesh.unreachable',
  'wire.other-version',
  'mesh.relay-budget',
  'mesh.no-direct-path',
  'wire.closed',
])

/** The failure that an answer ended with, from what was kept of it. */
export function failureOfAnswer(answer: AnswerRecord): Failure | undefined {
  const { errorCode, errorFacts } = answer
  if (!errorCode || !isErrorCode(errorCode)) return undefined
  if (LEFT.has(errorCode) && answer.tokens > 0)
    return {
      code: errorCode,
      message: 'The provider left and nobody took over.',
      fix: `${plural(answer.tokens, 'token')} are kept. You owe only for what was signed.`,
    }
  const words = pageWords(errorCode, errorFacts)
  const fix = LEFT.has(errorCode) ? 'Nobody else could take it. Ask again in a moment.' : words.fix
  return { code: errorCode, message: words.message, fix }
}

/** What happened to the provider that was lost, as a part of a sentence. */
function went(reasonCode: string): string {
  if (reasonCode === 'stream.silent') return 'stopped responding'
  if (reasonCode === 'stream.draining') return 'said it was leaving'
  if (reasonCode === 'stream.refused') return 'stopped answering it'
  if (reasonCode === 'engine.device-lost' || reasonCode === 'engine.out-of-memory') return 'lost its GPU'
  if (reasonCode === 'stream.bad-chunk' || reasonCode === 'wire.bad-signature')
    return 'sent a block with an error'
  if (reasonCode === 'mesh.relay-budget') return 'reached its relay’s limit'
  return 'disconnected'
}

export function seamView(seam: SeamRecord): SeamView {
  if (seam.isResumed) return resumedView(seam)
  const lost = `${shortPeerName(seam.lost)} ${went(seam.reasonCode)}.`
  if (seam.next === undefined || seam.gapMs === undefined)
    return {
      label: '…',
      spoken: 'The provider changed here; looking for another one',
      note: `${lost} Looking for another one.`,
    }
  const gap = formatSeconds(seam.gapMs)
  return {
    label: gap,
    spoken: `The provider changed here, after ${gap}. Opens the receipt`,
    note: `${lost} ${shortPeerName(seam.next)} took over after ${gap}.`,
  }
}

/** Where the visitor had an answer continued that had ended. */
function resumedView({ next }: SeamRecord): SeamView {
  if (next === undefined)
    return { label: '…', spoken: 'Continued here; looking for who goes on', note: 'Looking for who goes on.' }
  const note = `You had it continued here, by ${writerWords(next)}.`
  return { label: '↓', spoken: 'Continued here. Opens the receipt', note }
}

function writerWords(name: string): string {
  return name === THIS_TAB ? THIS_TAB : shortPeerName(name)
}

/** The same as a full sentence, for the receipt. */
export function seamSentence(seam: SeamRecord, isOpen: boolean): string {
  const before = seam.isResumed
    ? `The answer ended after token ${seam.position}, and you had it continued.`
    : `${shortPeerName(seam.lost)} ${went(seam.reasonCode)} after token ${seam.position}.`
  const kept =
    seam.unowed > 0
      ? ` The last ${plural(seam.unowed, 'token')} before that were not signed, so you don’t pay for them. They stay in the answer.`
      : ''
  return `${before} ${after(seam, isOpen)}${kept}`
}

function after({ gapMs, isResumed, next }: SeamRecord, isOpen: boolean): string {
  if (isResumed && next !== undefined)
    return `${next === THIS_TAB ? 'This tab' : shortPeerName(next)} went on.`
  if (gapMs !== undefined) return `Another provider took over ${formatSeconds(gapMs)} later.`
  return isOpen ? 'Looking for another one.' : 'Nobody took over.'
}
