import type { Prospect } from '../../state/models/prospects.svelte.ts'
import { formatBytes, formatInf, formatPerMillion, formatSpeed } from '../../ui/format.ts'

type Kind = 'ok' | 'warn' | 'bad' | 'unknown'

/** Whether it runs here, as far as the browser tells. */
export function fitOf({ gpu }: Prospect): { readonly kind: Kind; readonly word: string } {
  if (!gpu) return { kind: 'unknown', word: 'looking' }
  if (!gpu.problem) return { kind: 'ok', word: 'fits' }
  return gpu.problem.code === 'engine.limits'
    ? { kind: 'bad', word: 'too large' }
    : { kind: 'warn', word: 'processor only' }
}

/** What is downloaded, under which licence, and how fast it writes here. */
export function effortWords({ choice, speed }: Prospect): string {
  const size = `${formatBytes(choice.bytes)}, licence ${choice.listed.entry.licence.id}`
  if (!speed) return size
  const from = speed.isOwn ? 'in its last self-test here' : `judging by ${speed.from.name} here`
  return `${size}. About ${formatSpeed(speed.tokensPerSecond)}, ${from}.`
}

/** What an hour may bring, and what that hangs on. */
export function earnWords(
  { likelyHour, fullHour, use, choice }: Prospect,
  isPaid: boolean,
): { readonly amount: string; readonly why: string } {
  if (!isPaid) return { amount: 'nothing is paid here', why: '' }
  if (fullHour === undefined)
    return {
      amount: 'not known yet',
      why: `Known after a self-test here. List price: ${formatPerMillion(choice.suggestedPrice.outputPerMillion)} INF for a million tokens`,
    }
  const full = formatInf(fullHour)
  if (likelyHour === undefined || !use)
    return {
      amount: `at most ${full} an hour`,
      why: 'Nobody else lends it now: how busy you would be is not known',
    }
  const places = `${use.busy} of ${use.slots} places are taken now`
  return likelyHour === 0n
    ? { amount: 'nothing at the moment', why: `${places}; ${full} an hour when always busy` }
    : { amount: `about ${formatInf(likelyHour)} an hour`, why: `${places}; ${full} when always busy` }
}
