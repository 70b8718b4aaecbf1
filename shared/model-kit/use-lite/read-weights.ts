import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { concatBytes } from '../../base/bytes.ts'

/** A tensor of the package, row by row. */
export interface Weight {
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** The weights of a TensorFlow.js graph, found by the ends of their long names. */
export interface Weights {
  /** @throws Error where none or several have a name that ends so */
  find(end: string): Weight
}

/** What of model.json is read; the graph in it is written anew (`build-graph.ts`). */
const modelSchema = v.object({
  weightsManifest: v.array(
    v.object({
      paths: v.array(v.string()),
      weights: v.array(
        v.object({
          name: v.string(),
          shape: v.array(v.number()),
          dtype: v.picklist(['float32', 'int32', 'bool']),
        }),
      ),
    }),
  ),
})

const ELEMENT_BYTES = { float32: 4, int32: 4, bool: 1 } as const

/** Reads `model.json` and the files of weights that it names, which lie one after the other. */
export async function readWeights(folder: string): Promise<Weights> {
  const text = await readFile(join(folder, 'model.json'), 'utf8')
  const { weightsManifest } = v.parse(modelSchema, JSON.parse(text))
  const all = new Map<string, Weight>()
  for (const { paths, weights } of weightsManifest) {
    const data = concatBytes(...(await Promise.all(paths.map((path) => readFile(join(folder, path))))))
    let offset = 0
    for (const { name, shape, dtype } of weights) {
      const length = shape.reduce((product, size) => product * size, 1) * ELEMENT_BYTES[dtype]
      // A copy, since what lies behind bytes of other types need not lie at a multiple of four.
      if (dtype === 'float32')
        all.set(name, {
          dims: shape,
          values: new Float32Array(data.slice(offset, offset + length).buffer),
        })
      offset += length
    }
    if (offset !== data.length)
      throw new Error(`${folder}: the weights are ${data.length} bytes, not ${offset}`)
  }
  return {
    find(end) {
      const found = [...all].filter(([name]) => name.endsWith(end)).map(([, weight]) => weight)
      const [only] = found
      if (!only || found.length > 1) throw new Error(`${found.length} weights are called ${end}`)
      return only
    },
  }
}
