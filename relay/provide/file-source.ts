import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { ByteSource } from '#shared/models/byte-source.ts'

/**
 * A model folder on disk. Paths come from a checked manifest, whose schema lets none reach outside.
 *
 * @param folder e.g. `web/public/models/infernet-tiny`
 */
export function createFileSource(folder: string): ByteSource {
  return {
    async open(path, { offset, signal }) {
      const file = join(folder, path)
      try {
        const { size } = await stat(file)
        const start = Math.min(offset, size)
        const stream = createReadStream(file, { start, ...(signal ? { signal } : {}) })
        return { offset: start, body: stream as AsyncIterable<Uint8Array> }
      } catch (cause) {
        throw new InfernetError('models.unavailable', { path, status: 'not on this disk' }, { cause })
      }
    },
  }
}
