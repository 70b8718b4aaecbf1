import * as v from 'valibot'
import { platformClock } from '#shared/base/platform-clock.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { HUGGING_FACE } from '#shared/models/origin/place-of.ts'
import { underPage } from './address.ts'

/** A kilobyte from whoever served the page. Without an answer the usual hub is asked. */
const DEADLINE_MS = 4 * SECOND_MS

const infoSchema = v.pick(networkInfoSchema, ['hub'])

/**
 * `isSure`: only what whoever served the page has said, as for a token that was entered for that hub.
 *
 * @throws InfernetError `schedule.no-relay` where that is not known
 */
export type HubUrl = (how?: { readonly isSure?: boolean }) => Promise<string>

/**
 * Which hub is asked for models by their name: that of whoever served the page, where its operator chose one, else
 * Hugging Face. It is asked for once; where nobody answers, again the next time.
 */
export function createHubUrl(
  fetch: typeof globalThis.fetch,
  place = (): string => underPage('/network.json'),
): HubUrl {
  let known: string | undefined
  return async ({ isSure = false } = {}) => {
    known ??= await readHub(fetch, place()).catch(() => undefined)
    if (known === undefined && isSure) throw new InfernetError('schedule.no-relay')
    return known ?? HUGGING_FACE
  }
}

async function readHub(fetch: typeof globalThis.fetch, place: string): Promise<string> {
  const late = (): Error => new Error('no answer')
  const read = await withDeadline<unknown>(
    platformClock(globalThis),
    millis(DEADLINE_MS),
    late,
    async (signal) => {
      const response = await fetch(place, { signal, cache: 'no-store' })
      return response.ok ? ((await response.json()) as unknown) : undefined
    },
    {},
  )
  return v.parse(infoSchema, read).hub ?? HUGGING_FACE
}
