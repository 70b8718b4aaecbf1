import { InfernetError } from '#shared/errors/infernet-error.ts'
import { underPage } from './address.ts'

/**
 * What the relay that served the page says of the network, unread.
 *
 * @throws InfernetError `schedule.no-relay`
 */
export async function fetchNetwork(signal: AbortSignal): Promise<unknown> {
  try {
    const response = await fetch(underPage('/network.json'), { signal, cache: 'no-store' })
    if (response.ok) return await response.json()
  } catch (cause) {
    throw new InfernetError('schedule.no-relay', {}, { cause })
  }
  throw new InfernetError('schedule.no-relay')
}
