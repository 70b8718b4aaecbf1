import * as v from 'valibot'
import { platformClock } from '#shared/base/platform-clock.ts'
import { millis, SECOND_MS } from '#shared/base/units.ts'
import { withDeadline } from '#shared/base/wait.ts'
import { networkInfoSchema } from '#shared/mesh/network-info.ts'
import { HUGGING_FACE } from '#shared/models/origin/place-of.ts'
import { underPage } from './address.ts'

/** A kilobyte from whoever served the page. Without an answer the usual hub is asked. */
const DEADLINE_MS = 4 * SECOND_MS

const infoSchema = v.pick(networkInfoSchema, ['hub'])

/**
 * Which hub is asked for models by their name: that of whoever served the page, where its operator chose one, else
 * Hugging Face. It is asked for once; where nobody answers, again the next time.
 */
export function createHubUrl(
  fetch: typeof globalThis.fetch,
  place = (): string => underPage('/network.json'),
): () => Promise<string> {
  let known: string | undefined
  return async () => {
    known ??= await readHub(fetch, place()).catch(() => undefined)
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
