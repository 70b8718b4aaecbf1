import { InfernetError } from '../../errors/infernet-error.ts'
import { manifestBytes, type Manifest, type ManifestFile } from '../manifest.ts'
import type { LoadOptions } from '../load-progress.ts'
import type { ModelFiles } from '../model-files.ts'
import type { FileStore } from './file-store.ts'

/**
 * The files of a model straight from a store: each is read when it is asked for, into one buffer of its size, and
 * nothing of it is held here. Undefined where one is not here as a whole.
 *
 * @param options `onProgress` hears how much of what came since the last time is checked as a whole
 * @throws InfernetError as `FileStore.isWhole`, or the signal's reason
 */
export async function openStoredFiles(
  store: FileStore,
  manifest: Manifest,
  { signal, onProgress }: LoadOptions = {},
): Promise<ModelFiles | undefined> {
  const totalBytes = manifestBytes(manifest)
  let before = 0
  for (const file of manifest.files) {
    const done = before
    const onBytes = (bytes: number): void =>
      onProgress?.({ phase: 'checking', loadedBytes: done + bytes, totalBytes })
    if (!(await store.isWhole(file, { signal, onBytes }))) return undefined
    before += file.size
  }
  const files = new Map<string, ManifestFile>(manifest.files.map((file) => [file.path, file]))
  const open = async (path: string, signal: AbortSignal | undefined) => {
    const file = files.get(path)
    const opened = file && (await store.open(file, { signal }))
    if (!file || !opened) throw new InfernetError('models.unavailable', { path, status: 'not kept here' })
    return { file, opened }
  }
  return {
    paths: [...files.keys()],
    async read(path, { signal } = {}) {
      const { file, opened } = await open(path, signal)
      try {
        const bytes = new Uint8Array(file.size)
        if (opened.read(0, bytes) < file.size) throw new InfernetError('models.corrupt', { path })
        return bytes
      } finally {
        await opened.close()
      }
    },
    async view(path, { signal } = {}) {
      const { file, opened } = await open(path, signal)
      return {
        size: file.size,
        readInto(at, into) {
          if (opened.read(at, into) < into.length) throw new InfernetError('models.corrupt', { path })
        },
        close: () => opened.close(),
      }
    },
  }
}
