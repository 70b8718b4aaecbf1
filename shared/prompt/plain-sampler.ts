import type { SamplerParams } from '../engine/engine.ts'
import { topKOf } from '../engine/sampler/params.ts'

/**
 * The same draw in the words that every version of the network reads: what is off is left out, and top-p 0, which keeps
 * the likeliest token alone, is top-k 1.
 */
export function plainSampler({ topK, ...params }: SamplerParams): SamplerParams {
  if (params.topP === 0) return { ...params, topP: 1, topK: 1 }
  const kept = topKOf({ ...(topK === undefined ? {} : { topK }) })
  return kept === undefined ? params : { ...params, topK: kept }
}
