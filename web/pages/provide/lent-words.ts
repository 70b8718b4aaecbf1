import type { LentModel } from '../../state/provide/lending.ts'
import type { Provide } from '../../state/provide/provide.svelte.ts'
import { formatBytes, formatSpan, plural } from '../../ui/format.ts'
import { failureOf } from '../words.ts'

/** What the switch does, and from when. */
export function othersWords(
  on: boolean,
  { isProviding, lent, started }: Pick<Provide, 'isProviding' | 'lent' | 'started'>,
): string {
  if (started?.isKept === false) return 'This browser keeps no models here, so there are no others.'
  const what =
    'A prompt for one of them loads it first, which takes some seconds or more; prompts for the model that you chose wait for that. Each is lent at its usual price. Nothing is downloaded for it.'
  return on && isProviding && lent.length === 0 ? `${what} Begins when you switch lending on again.` : what
}

export interface LentWords {
  readonly kind: 'live' | 'ok' | 'warn' | 'bad' | 'unknown' | 'off'
  readonly word: string
  readonly say: string
}

/** Where a model stands, and what that means for who asks for it. */
export function lentWords(model: LentModel, thing: string): LentWords {
  const { place, running, error, loadMs } = model
  switch (place) {
    case 'loaded':
      if (error) return { kind: 'warn', word: 'restarting', say: failureOf(error).message }
      return { kind: 'live', word: thing === 'GPU' ? 'on the GPU' : 'loaded', say: 'Answers at once.' }
    case 'loading':
      return {
        kind: 'unknown',
        word: 'loading',
        say: `${running > 0 ? `${plural(running, 'prompt')} for it ${running === 1 ? 'waits' : 'wait'}.` : 'It is brought back.'}${farWords(model)}`,
      }
    case 'kept':
      return {
        kind: 'ok',
        word: 'kept here',
        say: `A prompt for it loads it first${loadMs === undefined ? '' : `, in about ${formatSpan(loadMs)}`}.`,
      }
    case 'unmeasured':
      return {
        kind: 'off',
        word: 'not offered yet',
        say: 'It was never loaded here. When nobody has asked for a minute, it is loaded and tested once.',
      }
    case 'measuring':
      return { kind: 'unknown', word: 'testing', say: `Loaded and tested once.${farWords(model)}` }
    case 'resting':
      return {
        kind: 'warn',
        word: 'paused',
        say: `${error ? failureOf(error).message : 'It could not be loaded.'} It is offered again in some minutes.`,
      }
    case 'out':
      return {
        kind: 'bad',
        word: 'not offered',
        say: `${error ? failureOf(error).message : 'It could not be loaded.'} The other models are lent as before.`,
      }
  }
}

function farWords({ progress }: LentModel): string {
  if (progress?.phase === 'testing') return ' Its self-test runs.'
  if (progress?.phase !== 'downloading' || progress.totalBytes === 0) return ''
  return ` ${formatBytes(progress.loadedBytes)} of ${formatBytes(progress.totalBytes)} are read.`
}
