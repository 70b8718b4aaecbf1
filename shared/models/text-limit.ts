import { MIB } from '../base/units.ts'
import { MAX_TEXT_TOKENS } from '../wire/limits.ts'
import type { Manifest } from './manifest.ts'

/** What the KV caches of all texts may take where nobody measured how much memory there is. */
export const USUAL_CACHE_BYTES = 256 * MIB

/** A model whose texts could not even be so long is of no use: it does not fit rather. */
const LEAST_TEXT_TOKENS = 1024

/**
 * How long a text may be, prompt and answer together, in tokens: as far as the model, the wire and the memory that a
 * device has for its KV cache carry it. Who fits, offers, asks and provides takes it from here.
 *
 * @param cacheBytes what the device has for the cache. @default no bound, for who only asks
 *
 * @example
 * textLimit(manifest) // 32768 of a model with a context of 131072
 * textLimit(manifest, 256 * MIB) // 1170, where a token takes 229,376 bytes
 */
export function textLimit(
  {
    contextLength,
    memory,
  }: Pick<Manifest, 'contextLength'> & {
    readonly memory?: Pick<NonNullable<Manifest['memory']>, 'cacheBytesPerToken'>
  },
  cacheBytes = Infinity,
): number {
  const held = memory ? Math.floor(cacheBytes / memory.cacheBytesPerToken) : Infinity
  return Math.min(contextLength, MAX_TEXT_TOKENS, Math.max(held, LEAST_TEXT_TOKENS))
}
