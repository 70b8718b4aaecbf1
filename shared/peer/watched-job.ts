import type { PeerName } from '../base/ids.ts'
import type { DirectoryPort } from '../schedule/directory-port.ts'
import type { JobEvent, RunningJob } from '../stream/run-job.ts'

/** A job's events, while the relays watch whether its provider is still there. */
export async function* watchedEvents(
  job: RunningJob,
  provider: PeerName,
  { directories, signal }: { directories: readonly DirectoryPort[]; signal: AbortSignal | undefined },
): AsyncGenerator<JobEvent, void, void> {
  const unwatch = directories.map((directory) => directory.watch(provider, () => job.suspectGone()))
  try {
    yield* job.events({ signal })
  } finally {
    for (const stop of unwatch) stop()
  }
}
