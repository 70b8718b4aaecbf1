import type { Dtype } from '#shared/models/manifest.ts'
import type { OriginState } from '#shared/models/pieces/fetch-progress.ts'
import type { Download, DownloadStage } from '../../state/models/download.svelte.ts'
import type { Fit } from '../../state/models/fit.ts'
import type { KnownModel, LicenceFacts, ModelEvent, Room } from '../../state/models/services.ts'
import type { Speed } from '../../state/models/source-speed.ts'
import { countInWords, formatBytes, formatSpan, plural } from '../../ui/format.ts'

interface Lead {
  readonly title: string
  readonly say: string
}

const PRECISIONS: Readonly<Record<Dtype, string>> = {
  fp32: '32-bit',
  fp16: '16-bit',
  q4: '4-bit',
  q4f16: '4-bit, half precision',
}

export function precisionWords(dtype: Dtype): string {
  return PRECISIONS[dtype]
}

export function isWhole({ keptBytes, bytes }: Pick<KnownModel, 'keptBytes' | 'bytes'>): boolean {
  return keptBytes >= bytes
}

/** The one sentence of the page. */
export function leadWords(here: readonly KnownModel[], room: Room | undefined): Lead {
  const whole = here.filter(isWhole).length
  const free = room?.freeBytes === undefined ? '' : `, ${formatBytes(room.freeBytes)} free`
  const used = here.reduce((sum, { keptBytes }) => sum + keptBytes, 0)
  const kept = `${formatBytes(used)} in this browser${free}.`
  if (here.length === 0)
    return {
      title: 'No model is here yet.',
      say: `A model is downloaded once, checked piece by piece, and kept by this browser${free === '' ? '' : ` (${free.slice(2)})`}.`,
    }
  if (whole === 0)
    return { title: 'No model is here wholly yet.', say: `${kept} ${lastingWords(room)}`.trim() }
  return {
    title: `${countInWords(whole)} ${whole === 1 ? 'model is' : 'models are'} here.`,
    say: `${kept} ${lastingWords(room)}`.trim(),
  }
}

function lastingWords(room: Room | undefined): string {
  if (room?.isLasting === undefined) return ''
  return room.isLasting
    ? 'The browser keeps it until you delete it.'
    : 'The browser may delete it when space gets short.'
}

/** Where this browser keeps nothing, and why as far as that is known. */
export function nothingKeptWords(isSecure: boolean): Lead {
  return {
    title: 'This browser keeps no models.',
    say: isSecure
      ? 'It gives this page no storage, as in some private windows. You can ask and lend all the same: a model that you lend is downloaded anew each time.'
      : 'The page was opened over plain http from another machine, so the browser gives it no storage.',
  }
}

export function newsWords(event: ModelEvent, now: number): string {
  const ago = agoWords(now - event.at)
  const size = event.bytes === undefined ? '' : `, ${formatBytes(event.bytes)},`
  switch (event.kind) {
    case 'evicted':
      return event.because === 'limit'
        ? `${event.name}${size} was deleted ${ago} to stay within your limit.`
        : `${event.name}${size} was deleted ${ago} to make room for another model.`
    case 'vanished':
      return `${event.name}${size} was found deleted ${ago}, by the browser or by somebody at it.`
    case 'damaged':
      return `A part of ${event.name}${size} was found changed ${ago} and thrown away. It is downloaded again when the model is needed.`
  }
}

/** What a list says of a model that is not here, in one line. */
export function proposalWords({
  bytes,
  dtype,
  licence,
  isTried,
}: Pick<KnownModel, 'bytes' | 'dtype' | 'licence' | 'isTried'>): string {
  const facts = [formatBytes(bytes), precisionWords(dtype), ...(licence ? [licence.id] : [])]
  return `${facts.join(', ')}${isTried ? '' : '; not yet tried here'}`
}

export function licenceWords(licence: LicenceFacts | undefined): string {
  return licence ? licence.id : 'no licence named'
}

/** What stands for a licence where a card or a list names none. */
const UNNAMED: ReadonlySet<string> = new Set(['none', 'unknown'])
const GATE = ' Its hub gives it only to accounts that accepted its terms.'

/** When pieces of what is shared go out, and what that tells. */
export function sharedWords(choice: {
  readonly originsOnly: boolean
  readonly hidesAddress: boolean
}): string {
  if (choice.hidesAddress) return 'Shared: nothing is sent while you hide your address.'
  return choice.originsOnly
    ? 'Shared: nothing is sent while you load from origins only.'
    : 'Shared: from when this tab downloads or lends it, peers who ask get pieces of it, and see this tab’s address.'
}

/** What can be said of a licence beside its name. */
export function licenceSay(licence: LicenceFacts | undefined): string {
  if (!licence || UNNAMED.has(licence.id))
    return `Its publisher names no licence. Without one you may have no right to use it, and this tab sends nothing of it to others.${licence?.isGated ? GATE : ''}`
  const gate = licence.isGated ? GATE : ''
  return licence.mayPassOn
    ? `It allows passing the files on, so this tab may send pieces to others who ask.${gate}`
    : `It is not known to allow passing the files on, so this tab sends nothing of it to others.${gate}`
}

export function usedWords({ lastUsedAt }: KnownModel, now: number): string {
  return lastUsedAt === undefined ? '—' : agoWords(now - lastUsedAt)
}

function agoWords(ms: number): string {
  const hours = Math.round(ms / 3_600_000)
  if (hours < 2) return `${formatSpan(ms)} ago`
  return hours < 48 ? `${hours} h ago` : `${plural(Math.round(hours / 24), 'day')} ago`
}

export function sizeWords(model: Pick<KnownModel, 'keptBytes' | 'bytes'>): string {
  const all = formatBytes(model.bytes)
  return isWhole(model) ? all : `${formatBytes(model.keptBytes)} of ${all}`
}

type Kind = 'live' | 'ok' | 'warn' | 'bad' | 'unknown' | 'off'

const STAGES: Readonly<Record<DownloadStage, { readonly kind: Kind; readonly word: string }>> = {
  waiting: { kind: 'off', word: 'waiting' },
  running: { kind: 'live', word: 'arriving' },
  paused: { kind: 'off', word: 'paused' },
  failed: { kind: 'bad', word: 'stopped' },
  done: { kind: 'ok', word: 'here' },
}

export function stageOf({ stage }: Download): { readonly kind: Kind; readonly word: string } {
  return STAGES[stage]
}

/** How much has come, of how much; the size alone before anything is known. */
export function amountWords({ stage, totalBytes }: Download, hereBytes: number): string {
  const all = formatBytes(totalBytes)
  return stage === 'done' || hereBytes === 0 ? all : `${formatBytes(hereBytes)} of ${all}`
}

/** Where it comes from and how fast, or why nothing comes. */
export function flowWords(download: Download): string {
  const { progress, speed } = download
  switch (download.stage) {
    case 'waiting':
      return 'Begins when the one before it is here.'
    case 'paused':
      return 'You paused it. What has come stays.'
    case 'done':
      return doneWords(download)
    case 'failed':
      return 'What has come stays.'
    case 'running':
      if (!progress) return 'Looking who has it.'
      if (!speed) return 'Each piece is checked as it arrives.'
      return [comesWords(speed, progress.peers), originWords(progress.origin, speed)]
        .filter(Boolean)
        .join(' ')
  }
}

function comesWords({ peers, origins }: Speed, count: number | undefined): string {
  if (peers + origins === 0) return 'Nothing comes at the moment.'
  const from = [sourceWords(peers, peersOf(count)), sourceWords(origins, 'from its origin')]
  return `${from.filter(Boolean).join(', ')}.`
}

/** Why nothing comes from there; an origin that is spared has not failed. */
function originWords(state: OriginState | undefined, { peers, origins }: Speed): string {
  if (origins > 0) return ''
  if (state === 'resting' && peers > 0) return 'Its origin rests, since peers are much faster.'
  return state === 'gone' ? 'Its origin cannot be used now.' : ''
}

function sourceWords(bytesPerSecond: number, from: string): string {
  return bytesPerSecond > 0 ? `${formatBytes(bytesPerSecond)} a second ${from}` : ''
}

function peersOf(peers: number | undefined): string {
  return peers ? `from ${plural(peers, 'peer')}` : 'from peers'
}

function doneWords({ progress }: Download): string {
  if (!progress) return 'All of it is here and checked.'
  const { fromPeers, fromOrigins } = progress
  const parts = [
    ...(fromPeers > 0 ? [`${formatBytes(fromPeers)} from peers`] : []),
    ...(fromOrigins > 0 ? [`${formatBytes(fromOrigins)} from its origin`] : []),
  ]
  return parts.length === 0 ? 'All of it was here.' : `All of it is here and checked: ${parts.join(', ')}.`
}

/** How long still, or how much. */
export function leftWords({ stage, leftMs, totalBytes }: Download, hereBytes: number): string {
  if (stage === 'done') return ''
  const missing = `${formatBytes(totalBytes - hereBytes)} missing.`
  if (stage !== 'running' || leftMs === undefined) return hereBytes > 0 ? missing : ''
  return leftMs < 5000 ? 'A few seconds left.' : `About ${formatSpan(leftMs)} left, ${missing}`
}

/** Said once for each change of state; figures would be read out every second. */
export function spokenWords(downloads: readonly Download[]): string {
  return downloads.map(({ name, stage }) => `${name}: ${STAGES[stage].word}`).join('. ')
}

/** Where a model of this size would run, in one line; a guess before the download. */
export function fitWords(fit: Fit | undefined): { readonly kind: Kind; readonly text: string } {
  if (!fit) return { kind: 'unknown', text: 'not known yet' }
  if (fit.on === 'gpu') return { kind: 'ok', text: 'fits your GPU' }
  if (fit.on === 'processor') return { kind: 'warn', text: 'on your processor only' }
  return { kind: 'bad', text: 'too large here' }
}
