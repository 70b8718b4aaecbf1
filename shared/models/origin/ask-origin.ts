import type { Clock } from '../../base/clock.ts'
import { millis, SECOND_MS } from '../../base/units.ts'
import { sleep, withDeadline } from '../../base/wait.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import { MAX_REDIRECTS, MAX_WAIT_MS, MAX_WAITS, SILENCE_MS, USUAL_WAIT_MS } from './limits.ts'
import { parsePlace } from './parse-place.ts'

export interface HttpComponents {
  /** The platform's, as it is. */
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  /** True in a browser, which shows a script nothing of a redirect. @default false */
  readonly hidesRedirects?: boolean | undefined
}

export interface Question {
  readonly url: URL
  /** The file that it is about, for errors. */
  readonly path?: string | undefined
  readonly method?: 'GET' | 'HEAD'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent to the origin of `url` and to no other, wherever that sends us. */
  readonly token?: string | undefined
  /** For how long a busy origin is waited for in all. @default MAX_WAIT_MS */
  readonly maxWaitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Answer {
  /** Its body is unread; whoever gets it reads or cancels it. */
  readonly response: Response
  /** What the hub says of a large file while it sends us to its storage: its headers, where the platform shows them. */
  readonly sentOnBy: Headers | undefined
}

/**
 * Asks an origin over HTTP: follows a few redirects, waits while it says that it is busy, ends when it is silent.
 *
 * Where the platform hides redirects it follows them itself, up to 20, and takes the token off when the host changes
 * (Fetch standard, HTTP-redirect fetch), as this function does where it can see.
 *
 * @throws InfernetError `origin.faulty` for redirects without end, `origin.busy`, `origin.silent`,
 * `models.unavailable` when nobody answers, or the signal's reason
 */
export async function askOrigin(components: HttpComponents, question: Question): Promise<Answer> {
  const { clock } = components
  const { maxWaitMs = MAX_WAIT_MS } = question
  let waitedMs = 0
  for (let waits = 0; ; waits++) {
    const answer = await follow(components, question)
    const { status, headers } = answer.response
    if (status !== 429 && status !== 503) return answer
    const told = waitMs(headers, clock.now())
    if (status === 503 && told === undefined) return answer
    await discard(answer.response)
    const delayMs = told ?? USUAL_WAIT_MS * 2 ** waits
    if (waits === MAX_WAITS || waitedMs + delayMs > maxWaitMs)
      throw new InfernetError('origin.busy', { seconds: Math.ceil(delayMs / SECOND_MS) })
    waitedMs += delayMs
    await sleep(clock, millis(delayMs), { signal: question.signal })
  }
}

/** Gives a body back that nobody reads. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

const isSentOn = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

async function follow(components: HttpComponents, question: Question): Promise<Answer> {
  const seen = new Set<string>()
  let { url, token } = question
  let sentOnBy: Headers | undefined
  while (seen.size <= MAX_REDIRECTS) {
    if (seen.has(url.href)) throw faulty('it sends requests round in a circle')
    seen.add(url.href)
    const response = await send(components, { ...question, url, token })
    if (!isSentOn(response.status)) return { response, sentOnBy }
    await discard(response)
    sentOnBy ??= response.headers
    const next = nextPlace(response.headers.get('location'), url)
    if (next.origin !== url.origin) token = undefined
    url = next
  }
  throw faulty(`it sends requests on more than ${MAX_REDIRECTS} times`)
}

function nextPlace(location: string | null, from: URL): URL {
  const next = location === null ? undefined : parsePlace(location, from)
  if (!next) throw faulty('it sends requests on to no place')
  const isPlain = next.protocol === 'http:'
  if (next.protocol !== 'https:' && !isPlain) throw faulty('it sends requests on to what is no web address')
  if (isPlain && from.protocol === 'https:')
    throw faulty('it sends requests on to a place without encryption')
  return next
}

async function send(
  { fetch, clock, hidesRedirects }: HttpComponents,
  { url, path, method = 'GET', headers, token, signal }: Question,
): Promise<Response> {
  const silent = (): Error => new InfernetError('origin.silent', { seconds: SILENCE_MS / SECOND_MS })
  try {
    return await withDeadline(
      clock,
      SILENCE_MS,
      silent,
      (ended) =>
        fetch(url, {
          method,
          redirect: hidesRedirects ? 'follow' : 'manual',
          headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
          // What is right is kept by us; a second copy, perhaps a broken one, would only be in the way.
          cache: 'no-store',
          signal: ended,
        }),
      { signal },
    )
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof InfernetError) throw cause
    throw new InfernetError('models.unavailable', { path, status: 'no answer' }, { cause })
  }
}

/** How long a source asks us to wait: `Retry-After`, or the end of the window as Hugging Face tells it. */
function waitMs(headers: Headers, nowMs: number): number | undefined {
  const told = headers.get('retry-after')?.trim()
  if (told && /^\d{1,9}$/.test(told)) return Number(told) * SECOND_MS
  const date = told ? Date.parse(told) : NaN
  if (!Number.isNaN(date)) return Math.max(0, date - nowMs)
  // draft-ietf-httpapi-ratelimit-headers-09, e.g. `"resolvers";r=0;t=55`
  const reset = /;\s*t=(\d{1,9})\b/.exec(headers.get('ratelimit') ?? '')?.[1]
  return reset === undefined ? undefined : Number(reset) * SECOND_MS
}

export function faulty(reason: string): InfernetError {
  return new InfernetError('origin.faulty', { reason })
}
