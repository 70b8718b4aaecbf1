import type { Restart } from '#shared/peer/provide-model.ts'
import type { PauseReason } from '../../state/provide/pause-reasons.ts'
import type { Provide } from '../../state/provide/provide.svelte.ts'
import type { Session } from '../../state/session/session.svelte.ts'
import { countInWords, formatBytes, formatSpan, plural } from '../../ui/format.ts'
import { failureOf } from '../words.ts'
import { testFacts, testWords } from './test-words.ts'

type Kind = 'live' | 'ok' | 'warn' | 'bad' | 'unknown' | 'off'

export interface Lead {
  readonly kind: Kind
  readonly status: string
  readonly title: string
  readonly say: string
}

export function thing(provide: Provide): string {
  return provide.backend === 'wasm' ? 'processor' : 'GPU'
}

const REASONS: Readonly<Record<PauseReason, string>> = {
  you: 'You paused it.',
  hidden: 'This tab is hidden.',
  battery: 'The device runs on battery.',
  metered: 'The connection is metered.',
  restart: 'It is being started again.',
  'self-test': 'It tests itself.',
}

/** The one sentence of the page, with its status above and what to know below. */
export function leadWords(provide: Provide, session: Session): Lead {
  const what = thing(provide)
  switch (provide.stage) {
    case 'idle':
      return {
        kind: 'off',
        status: 'Off',
        title: `Lend your ${what} from this tab.`,
        say: 'Strangers’ texts come to this tab, whatever they say, and it writes the answers. This page does not show them. Nothing is installed, and one press stops it.',
      }
    case 'checking':
      return {
        kind: 'unknown',
        status: 'Getting ready',
        title: `Looking at your ${what}.`,
        say: 'Nothing is sent yet.',
      }
    case 'downloading':
      return {
        kind: 'unknown',
        status: 'Getting ready',
        title: remaining(provide),
        say: 'Keep this tab open. What has been downloaded is kept for next time.',
      }
    case 'starting':
      return {
        kind: 'unknown',
        status: 'Getting ready',
        title: 'Loading the model.',
        say: 'The download is here and checked.',
      }
    case 'testing':
      return {
        kind: 'unknown',
        status: 'Getting ready',
        title: `Testing your ${what}.`,
        say: `Your ${what} must give the known answers before anyone is sent to it.`,
      }
    case 'live':
      return liveWords(provide, session)
    case 'paused':
      if (provide.figures.restart) return restartWords(provide, provide.figures.restart)
      if (provide.figures.pauseReasons.join() === 'self-test')
        return {
          kind: 'warn',
          status: 'Testing',
          title: `Testing your ${what} again.`,
          say: `No new prompts come${underWayWords(provide)}. It goes on when the known answers come out right.`,
        }
      return {
        kind: 'off',
        status: 'Paused',
        title: 'Paused.',
        say: `${provide.figures.pauseReasons.map((reason) => REASONS[reason]).join(' ')} No new prompts come${underWayWords(provide)}.`,
      }
    case 'draining':
      return {
        kind: 'warn',
        status: 'Finishing',
        title:
          provide.figures.jobs.length > 0
            ? `${countInWords(provide.figures.jobs.length)} ${provide.figures.jobs.length === 1 ? 'answer' : 'answers'} left, then off.`
            : 'Leaving.',
        say: 'No new prompts are taken.',
      }
    case 'ended':
      return {
        kind: 'off',
        status: 'Off',
        title: 'Thank you. Your tab has left.',
        say: `${plural(provide.figures.served.jobs, 'answer')}, ${plural(provide.figures.served.tokens, 'token')} served${provide.figures.served.handedOver > 0 ? `, ${provide.figures.served.handedOver} handed over to another tab` : ''}.`,
      }
    case 'failed':
      return {
        kind: 'bad',
        status: 'Can’t lend',
        title: failedTitle(provide.error?.code, provide.liveSince !== undefined),
        say: '',
      }
  }
}

function underWayWords({ figures: { jobs } }: Provide): string {
  return jobs.length > 0 ? `; ${plural(jobs.length, 'answer')} under way go on` : ''
}

function liveWords(provide: Provide, session: Session): Lead {
  const what = thing(provide)
  const span = formatSpan(session.now - (provide.liveSince ?? session.now))
  if (session.providing.inDoubt)
    return {
      kind: 'unknown',
      status: 'Checking',
      title: 'Checking the connection.',
      say: 'No relay answers at the moment, so nobody may find you. This tab dials them again.',
    }
  if (!provide.confirmed)
    return {
      kind: 'unknown',
      status: 'Unconfirmed',
      title: 'Ready, not listed yet.',
      say: `No relay has taken your offer in the last 60 s, so nobody can find you.${refusalWords(provide)} This tab offers it again every few seconds.`,
    }
  const people = provide.figures.jobs.length
  return {
    kind: 'live',
    status: `Live for ${span}`,
    title: `Your ${what} is lending.`,
    say:
      people === 0
        ? 'Nobody is being answered at the moment. Leave whenever you like.'
        : `${countInWords(people)} ${people === 1 ? 'person is' : 'people are'} being answered. Leave whenever you like: another tab takes over.`,
  }
}

function refusalWords({ figures: { refusal } }: Provide): string {
  if (!refusal) return ''
  const { message, fix } = failureOf(refusal)
  return ` ${message} ${fix}`
}

function restartWords(provide: Provide, restart: Restart): Lead {
  const running = provide.figures.jobs.length
  const again = restart.attempt > 1 ? ` Try ${restart.attempt}.` : ''
  const waits =
    running > 0
      ? ` ${countInWords(running)} ${running === 1 ? 'answer waits' : 'answers wait'} for it; if it takes long, another tab goes on with ${running === 1 ? 'it' : 'them'}.`
      : ''
  return {
    kind: 'warn',
    status: 'Restarting',
    title: `Starting your ${thing(provide)} again.`,
    say: `${failureOf(restart.reason).message}${again}${waits}`,
  }
}

function remaining(provide: Provide): string {
  const progress = provide.progress
  if (!progress?.bytesPerSecond || progress.totalBytes === 0) return 'Downloading the model.'
  const seconds = (progress.totalBytes - progress.loadedBytes) / progress.bytesPerSecond
  return seconds < 5 ? 'Ready in a few seconds.' : `Ready in about ${formatSpan(seconds * 1000)}.`
}

function failedTitle(code: string | undefined, wasLive: boolean): string {
  switch (code) {
    case 'engine.no-webgpu':
      return 'This browser hides your GPU.'
    case 'engine.no-adapter':
      return 'The browser refused your GPU.'
    case 'mesh.insecure-page':
      return 'This page is not secure.'
    case 'engine.self-test-failed':
      return 'The self-test failed.'
    case 'engine.out-of-memory':
    case 'engine.limits':
      return 'This model is too large here.'
    case 'models.corrupt':
    case 'models.truncated':
    case 'models.unavailable':
    case 'models.no-space':
    case 'models.over-limit':
    case 'models.nobody-left':
    case 'models.quota-exceeded':
    case 'models.disk-full':
    case 'models.origin-differs':
    case 'origin.busy':
    case 'origin.changed':
    case 'origin.faulty':
    case 'origin.not-as-listed':
    case 'origin.silent':
      return 'The model did not load.'
    default:
      return wasLive ? 'Lending stopped.' : 'Lending did not start.'
  }
}

export interface StepRow {
  readonly key: string
  readonly kind: Kind
  readonly word: string
  readonly title: string
  readonly text: string
  readonly part?: number | undefined
  readonly tokens?: number | undefined
  readonly of?: number | undefined
}

/** What is known of the device and the model, step by step. */
export function stepRows(provide: Provide, session: Session): StepRow[] {
  return [deviceRow(provide), ...fitRow(provide), downloadRow(provide), testRow(provide, session)]
}

function deviceRow(provide: Provide): StepRow {
  if (provide.backend === 'wasm') {
    const reason = provide.started?.fellBackFrom
    return {
      key: 'device',
      kind: reason ? 'warn' : 'ok',
      word: 'CPU',
      title: 'Your processor',
      text: reason
        ? `${failureOf(reason).message} The processor lends instead: much slower, and labelled CPU.`
        : 'Much slower than a GPU, and labelled CPU.',
    }
  }
  const { gpu } = provide
  if (!gpu)
    return {
      key: 'device',
      kind: 'unknown',
      word: 'looking',
      title: 'Your GPU',
      text: 'Asking the browser for it.',
    }
  // Asked for by name, a software adapter provides all the same: then the row says what it is.
  const isOverruled = gpu.software && provide.isProviding && provide.backend === 'webgpu'
  if (gpu.problem && !isOverruled)
    return {
      key: 'device',
      kind: 'bad',
      word: 'not usable',
      title: failureOf(gpu.problem).message,
      text: failureOf(gpu.problem).fix,
    }
  const floats = gpu.halfPrecision ? '16-bit floats' : 'no 16-bit floats'
  const software = gpu.software ? ' Software rendering: it works, and is slow.' : ''
  return {
    key: 'device',
    kind: gpu.software ? 'warn' : 'ok',
    word: 'found',
    title: gpu.label ?? 'A GPU (the browser does not name it)',
    text: `WebGPU, ${floats}, up to ${formatBytes(gpu.largestBufferBytes)} in one buffer.${software}`,
  }
}

function fitRow(provide: Provide): StepRow[] {
  const { model, gpu } = provide
  if (!model || provide.backend === 'wasm' || !gpu || gpu.problem) return []
  // What the limits forbid is a problem of the GPU by now; what is free is tried before the download.
  const isTried = provide.isProviding || provide.stage === 'testing' || provide.stage === 'starting'
  return [
    {
      key: 'fit',
      kind: 'ok',
      word: 'fits',
      title: model.name,
      text: `${formatBytes(model.bytes)} of weights. ${
        isTried
          ? 'There was memory for all of it.'
          : 'The browser does not say how much memory is free. This page tries it before the download.'
      }`,
    },
  ]
}

function downloadRow(provide: Provide): StepRow {
  const { progress, model } = provide
  const total = formatBytes(model?.bytes ?? 0)
  if (provide.stage === 'downloading' && progress) {
    const speed = progress.bytesPerSecond ? `, ${formatBytes(progress.bytesPerSecond)} a second` : ''
    return {
      key: 'download',
      kind: 'unknown',
      word: 'downloading',
      title: `${formatBytes(progress.loadedBytes)} of ${formatBytes(progress.totalBytes)}`,
      text: `Each piece is checked as it arrives${speed}.`,
    }
  }
  if (provide.started?.engine.selfTest || provide.stage === 'starting' || provide.stage === 'testing')
    return {
      key: 'download',
      kind: 'ok',
      word: 'here',
      title: total,
      text: `Every piece matches its hash.${keptWords(provide)}`,
    }
  return {
    key: 'download',
    kind: 'off',
    word: 'to load',
    title: model ? `${model.name}, ${total}` : 'A model',
    text: 'Downloaded once, then kept by this browser.',
  }
}

function keptWords({ isModelKept, started }: Pick<Provide, 'isModelKept' | 'started'>): string {
  if (started?.isKept === false)
    return ' This browser keeps nothing here, as in some private windows: the next visit downloads it again.'
  return isModelKept === false ? ' This browser may delete it when space gets short.' : ''
}

function testRow(provide: Provide, session: Session): StepRow {
  const { started } = provide
  if (started) {
    const { selfTest } = started.engine
    const passed = selfTest.right === selfTest.total
    return {
      key: 'test',
      kind: passed ? 'ok' : 'bad',
      word: passed ? 'passed' : 'failed',
      title: `Self-test, ${selfTest.right} of ${selfTest.total} test tokens right`,
      text: testWords(testFacts(started), session.now),
      tokens: selfTest.right,
      of: selfTest.total,
    }
  }
  if (provide.stage === 'testing')
    return {
      key: 'test',
      kind: 'live',
      word: 'testing',
      title: 'Self-test',
      text: 'Writing answers that are known already.',
    }
  return {
    key: 'test',
    kind: 'off',
    word: 'next',
    title: 'Self-test',
    text: `We check that your ${thing(provide)} gives correct answers before anyone is sent to it.`,
  }
}
