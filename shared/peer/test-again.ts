import type { Clock } from '../base/clock.ts'
import { millis, MINUTE_MS, type EpochMillis } from '../base/units.ts'
import { sleep, withDeadline } from '../base/wait.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import type { ModelPlace, Provision, SelfTestDesk } from './peer.ts'

/** So long it is waited for a moment without jobs; then no new ones are taken. */
const IDLE_WAIT_MS = 10 * MINUTE_MS
/** So long those that run may take to end; then it goes on lending, and is tested another time. */
const DRAIN_MS = 2 * MINUTE_MS
/** A load, if it needs one, and the test. */
const TEST_LIMIT_MS = 10 * MINUTE_MS

export interface TestAgainParts {
  readonly clock: Clock
  readonly provision: Pick<Provision, 'state' | 'jobs' | 'onChange'>
  readonly place: ModelPlace | undefined
  readonly desk: SelfTestDesk
  readonly testedAt: () => EpochMillis | undefined
}

/**
 * Tests a provided engine again when no job runs with it, and takes no new ones meanwhile. One that is not loaded is
 * brought to the GPU for that: its start tests it.
 *
 * @throws InfernetError `engine.self-test-failed`; `stream.busy` for jobs that do not end, `stream.draining` when it is
 * provided no more, `wire.timeout`, what the engine throws, or the signal's reason
 */
export async function testAgain(
  { clock, provision, place, desk, testedAt }: TestAgainParts,
  { signal, onTesting }: { readonly signal: AbortSignal; readonly onTesting: () => void },
): Promise<void> {
  const before = testedAt()
  await untilIdle(clock, provision, { limitMs: IDLE_WAIT_MS, signal })
  const letGo = desk.hold()
  try {
    await untilIdle(clock, provision, { limitMs: DRAIN_MS, signal })
    if (provision.state === 'ended' || provision.state === 'draining')
      throw new InfernetError('stream.draining')
    if (provision.jobs.length > 0) throw new InfernetError('stream.busy', { running: provision.jobs.length })
    onTesting()
    const late = (): Error => new InfernetError('wire.timeout', { limitMs: TEST_LIMIT_MS })
    const test = async (ending: AbortSignal): Promise<void> => {
      const leave = await place?.take({ signal: ending })
      try {
        if (testedAt() === before) await desk.run({ signal: ending })
      } finally {
        leave?.()
      }
    }
    await withDeadline(clock, millis(TEST_LIMIT_MS), late, test, { signal })
  } finally {
    letGo()
  }
}

/** Until no job runs or it is provided no more, and no longer than that. @throws the signal's reason */
async function untilIdle(
  clock: Clock,
  provision: Pick<Provision, 'state' | 'jobs' | 'onChange'>,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const isOver = (): boolean => provision.jobs.length === 0 || provision.state === 'ended'
  if (isOver()) return
  const over = new AbortController()
  const stop = provision.onChange(() => void (isOver() && over.abort()))
  await sleep(clock, millis(limitMs), { signal: AbortSignal.any([signal, over.signal]) }).catch(
    () => undefined,
  )
  stop()
  signal.throwIfAborted()
}
