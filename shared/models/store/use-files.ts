import type { ManifestFile } from '../manifest.ts'
import type { LockMode, Release, StoreLocks } from './store-locks.ts'

type Named = Pick<ManifestFile, 'sha256'>

/** The name by which a file is held against being deleted. */
export const useOf = ({ sha256 }: Named): string => `use:${sha256}`

/**
 * Holds files for use, beside others who use them, until what comes back is called or this tab is gone: nobody deletes
 * them.
 *
 * @throws the signal's reason
 */
export function useFiles(
  locks: StoreLocks,
  files: readonly Named[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Release> {
  return holdAll(locks, files.map(useOf), 'shared', options)
}

/** Holds several names. All who do it take them in the same order, so that no two wait for one another. */
export async function holdAll(
  locks: StoreLocks,
  names: readonly string[],
  mode: LockMode,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Release> {
  const releases: Release[] = []
  const release = (): void => releases.forEach((each) => each())
  try {
    for (const name of [...new Set(names)].toSorted())
      releases.push(await locks.acquire(name, { mode, signal }))
  } catch (thrown) {
    release()
    throw thrown
  }
  return release
}
