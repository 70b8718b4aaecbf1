import { SKETCH_SIZE } from '#shared/engine/score/sketch.ts'
import { CHUNK_TOKENS } from '#shared/stream/constants.ts'
import type { CommittedJob } from '#shared/stream/sketch-keeper.ts'
import { openSketches } from '#shared/stream/sketch-tree.ts'
import { loadTinyParts } from '#shared/testing/cheats/tiny-parts.ts'
import { realRandom } from '#shared/testing/real-clock.ts'
import { encode } from '#shared/wire/codec.ts'
import type { BenchOptions } from '../figure.ts'
import { runCounted } from './counted-job.ts'
import { questionOf } from './questions.ts'

/** Four whole chunks: what the page asks the bundled model for. */
const TOKENS = 128

/** What commitments and their openings take on the wire, in bytes a token of a real job. */
export async function measureWireBytes({ print }: BenchOptions): Promise<void> {
  const parts = await loadTinyParts()
  try {
    const asked = questionOf(0, parts.model)
    const without = await runCounted(parts.honest, asked, { maxTokens: TOKENS, keeper: undefined })
    let kept: CommittedJob | undefined
    const keeper = { secret: () => realRandom.bytes(32), keep: (job: CommittedJob) => void (kept = job) }
    const committed = await runCounted(parts.honest, asked, { maxTokens: TOKENS, keeper })
    if (!kept) throw new Error('The job committed to nothing.')
    const at = { model: 'infernet-tiny', tokens: TOKENS }
    const printBytes = (metric: string, value: number, note: string): void =>
      print({ bench: 'trust', metric, case: at, value, unit: 'B', note })
    printBytes('bytesPerToken', committed.sent / committed.tokens, 'all frames of the provider, with roots')
    printBytes(
      'bytesPerTokenWithoutRoots',
      without.sent / without.tokens,
      'as a provider before sketches sends',
    )
    printBytes(
      'openingBytesPerToken',
      openingBytes(kept) / TOKENS,
      'every token opened, as a check asks for them',
    )
  } finally {
    await parts.close()
  }
}

/** Of the openings of all chunks, encoded. */
function openingBytes({ secret, sketches, from }: CommittedJob): number {
  let bytes = 0
  for (let at = 0; at * SKETCH_SIZE < sketches.length; at += CHUNK_TOKENS) {
    const part = sketches.subarray(at * SKETCH_SIZE, (at + CHUNK_TOKENS) * SKETCH_SIZE)
    const positions = Array.from({ length: part.length / SKETCH_SIZE }, (_, i) => from + at + i)
    bytes += encode(openSketches(secret, part, from + at, positions)).length
  }
  return bytes
}
