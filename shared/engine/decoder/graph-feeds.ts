import type { OrtRuntime, OrtTensor } from '../ort-runtime.ts'
import type { GraphLayout } from './graph-layout.ts'

/** One row of a run: what it reads, and how much it has read before. */
export interface RowFeed {
  /** As many as in every other row of the run. */
  readonly tokens: readonly number[]
  /** Tokens in the row's KV cache already. */
  readonly length: number
}

/**
 * The inputs of one run besides the KV cache, all on the CPU.
 *
 * Tokens and positions are int64 [rows, tokens]. A `ragged` graph learns from `seqlens_k` int32 [rows] where each row
 * ends, so rows may differ in length; a `mask` graph takes one row.
 *
 * @param positions which of the tokens get logits, where the graph lets us choose
 */
export function feedRows(
  ort: OrtRuntime,
  layout: GraphLayout,
  rows: readonly RowFeed[],
  positions: readonly number[],
): Record<string, OrtTensor> {
  const count = rows[0]?.tokens.length ?? 0
  const int64 = (values: BigInt64Array, dims: readonly number[]) => new ort.Tensor('int64', values, dims)
  const total = Math.max(...rows.map(({ length }) => length)) + count
  const feeds: Record<string, OrtTensor> = {
    input_ids: int64(
      BigInt64Array.from(
        rows.flatMap(({ tokens }) => tokens),
        BigInt,
      ),
      [rows.length, count],
    ),
  }
  if (layout.lengths === 'ragged') {
    const lengths = Int32Array.from(rows, ({ length }) => length + count - 1)
    feeds['seqlens_k'] = new ort.Tensor('int32', lengths, [rows.length])
    feeds['total_sequence_length'] = new ort.Tensor('int32', Int32Array.of(total), [])
  } else feeds['attention_mask'] = int64(new BigInt64Array(total).fill(1n), [1, total])
  if (layout.wantsPositions) {
    const places = rows.flatMap(({ length }) => Array.from({ length: count }, (_, i) => BigInt(length + i)))
    feeds['position_ids'] = int64(BigInt64Array.from(places), [rows.length, count])
  }
  if (layout.picksPositions)
    feeds['logit_positions'] = int64(BigInt64Array.from(positions, BigInt), [positions.length])
  if (layout.wantsLogitCount)
    // It counts from the end, so the first wanted position decides.
    feeds['num_logits_to_keep'] = int64(BigInt64Array.of(BigInt(count - Math.min(...positions))), [])
  return feeds
}
