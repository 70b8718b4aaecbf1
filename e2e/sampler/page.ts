/** What runs in each browser: the published vectors, on that browser's JavaScript and WebAssembly. */
import vectors from '#shared/engine/sampler-vectors.json'
import { checkSamplerVectors, type SamplerVectors } from '#shared/testing/sampler-vectors.ts'

/** What the page posts to `/report`. */
export interface Report {
  readonly results: readonly { readonly name: string; readonly wrong: string }[]
  /** What was thrown, if anything was. */
  readonly thrown: string
}

function check(): Report {
  try {
    return { results: checkSamplerVectors(vectors as unknown as SamplerVectors), thrown: '' }
  } catch (thrown) {
    return { results: [], thrown: String(thrown) }
  }
}

await fetch('/report', { method: 'POST', body: JSON.stringify(check()) })
