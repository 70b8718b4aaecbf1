import { concatBytes } from '../base/bytes.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ByteSource } from './byte-source.ts'

/**
 * A whole file of a source, for what has no hash to be checked against.
 *
 * @throws InfernetError `models.corrupt` when it goes on beyond `maxBytes`, `models.unavailable`
 */
export async function readSmallFile(
  source: ByteSource,
  path: string,
  maxBytes: number,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = await source.open(path, { offset: 0, signal })
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > maxBytes) throw new InfernetError('models.corrupt', { path })
    parts.push(part)
  }
  return concatBytes(...parts)
}
