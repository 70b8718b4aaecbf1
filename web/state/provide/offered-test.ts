import type { OfferedSelfTest } from '#shared/schedule/offer.ts'
import type { StartedEngine } from './services.ts'

/** What goes into the signed offer of the newest engine's self-test. */
export function offeredTest({ engine, subgroups }: StartedEngine): OfferedSelfTest {
  const { selfTest, testedAt, info } = engine
  const { right, total } = selfTest
  return {
    right,
    total,
    testedAt,
    ...(info.backend === 'webgpu' ? { subgroups: subgroups?.on ?? false } : {}),
  }
}
