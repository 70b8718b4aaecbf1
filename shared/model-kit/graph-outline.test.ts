import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lintModel, type LintInput } from '../models/lint-model.ts'
import { readJson } from '../models/model-files.ts'
import { graphFacts } from '../models/onnx/graph-facts.ts'
import { GraphOutline } from '../models/onnx/graph-outline.ts'
import { modelType, type OnnxModel } from '../models/onnx/onnx-messages.ts'
import { readTinyModel } from '../testing/tiny-model.ts'
import { FAMILIES } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'

/** The outline of a file that comes in parts of so many bytes. */
function outlineOf(
  file: Uint8Array,
  part: number,
  name = 'model.onnx',
  size = file.length,
): Uint8Array<ArrayBuffer> {
  const outline = new GraphOutline(name, size)
  for (let at = 0; at < file.length; at += part) outline.push(file.subarray(at, at + part))
  return outline.finish()
}

function factsOf(model: OnnxModel) {
  if (!model.graph) throw new Error('no graph')
  return { ...graphFacts(model.graph), externalFiles: undefined }
}

const tiny = await readTinyModel('fp32')
const weights = await tiny.files.read(tiny.manifest.weights)

describe('GraphOutline', () => {
  it.each([1, 7, 1000, 65_536, weights.length])('is the same in parts of %i bytes', (part) => {
    expect(outlineOf(weights, part)).toEqual(outlineOf(weights, 4096))
  })

  it('has all of the graph and little of the weights', () => {
    const outline = outlineOf(weights, 65_536)
    expect(factsOf(modelType.decode(outline))).toEqual(factsOf(modelType.decode(weights)))
    expect(outline.length).toBeLessThan(weights.length / 20)
  })

  it('says where the weights lie in the file', () => {
    const [inside, outside] = [weights, outlineOf(weights, 4096, 'here.onnx')].map(
      (bytes) => modelType.decode(bytes).graph?.initializers ?? [],
    )
    let left = 0
    for (const [at, tensor] of (outside ?? []).entries()) {
      const entry = (key: string) => tensor.externalData.find((pair) => pair.key === key)?.value
      if (tensor.dataLocation !== 1) continue
      left++
      expect(entry('location')).toBe('here.onnx')
      const [from, length] = [Number(entry('offset')), Number(entry('length'))]
      expect(weights.subarray(from, from + length)).toEqual(inside?.[at]?.rawData)
    }
    expect(left).toBeGreaterThan(10)
  })

  it.each(FAMILIES.map((model) => [model.family.id, model] as const))(
    'is linted as the file is: %s',
    async (_, family) => {
      for (const dtype of ['fp32', 'q4'] as const) {
        const { files, manifest } = makeFamilyModel(family, dtype)
        const file = await files.read(manifest.weights)
        const name = manifest.weights.replace('onnx/', '')
        const input: LintInput = {
          dtype,
          weights: file,
          paths: files.paths,
          config: await readJson(files, 'config.json'),
          eosTokens: new Set([2]),
          contextLength: manifest.contextLength,
        }
        expect(lintModel({ ...input, weights: outlineOf(file, 5000, name) })).toEqual(lintModel(input))
      }
    },
  )

  it('refuses a file that ends early, goes on, or is no model', () => {
    const corrupt = expect.objectContaining({ code: 'models.corrupt' }) as Error
    expect(() => outlineOf(weights.subarray(0, -1), 4096, 'a', weights.length)).toThrow(corrupt)
    expect(() => outlineOf(weights, 4096, 'a', weights.length - 1)).toThrow(corrupt)
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 40 }),
        (bytes, part) => {
          try {
            modelType.decode(outlineOf(bytes, part))
          } catch (error) {
            expect(error).toMatchObject({ code: 'models.corrupt' })
          }
        },
      ),
    )
  })
})
