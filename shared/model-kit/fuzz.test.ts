import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { readGraphLayout } from '#shared/engine/decoder/graph-layout.ts'
import { createChatTokenizer } from '#shared/engine/tokenizer/chat-tokenizer.ts'
import { FAMILIES } from './families/families.ts'
import { makeFamilyModel } from './families/make-family.ts'
import { parseManifest } from '../models/parse-manifest.ts'
import { modelType } from '../models/onnx/onnx-messages.ts'
import { prepareGraph } from '../models/onnx/prepare-graph.ts'

const RUNS = { numRuns: 300 }

const models = await Promise.all(
  FAMILIES.map(async (model) => {
    const { files, manifest } = makeFamilyModel(model, 'q4')
    return files.read(manifest.weights)
  }),
)
const anyModel = fc.constantFrom(...models)

/** Whatever comes: a graph, or an error with a name that the page can say. */
function survives(bytes: Uint8Array<ArrayBuffer>): void {
  try {
    prepareGraph(bytes, { maxLength: 64 })
  } catch (error) {
    expect(error).toBeInstanceOf(InfernetError)
    expect((error as InfernetError).code).toMatch(/^models\.(corrupt|unsupported)$/)
  }
}

describe('a model file from a stranger', () => {
  it('may be any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => survives(Uint8Array.from(bytes))),
      RUNS,
    )
  })

  it('may end anywhere', () => {
    fc.assert(
      fc.property(anyModel, fc.double({ min: 0, max: 1, noNaN: true }), (model, part) =>
        survives(model.slice(0, Math.floor(model.length * part))),
      ),
      RUNS,
    )
  })

  it('may have any of its bits turned', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(anyModel, flips, (model, turned) => {
        const bytes = model.slice()
        // Most of a model is weights, where nothing can break: the graph is at its beginning.
        for (const [at, bit] of turned) {
          const place = at % Math.min(bytes.length, 6000)
          bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
        }
        survives(bytes)
      }),
      RUNS,
    )
  })

  it('may have a piece of another model in its middle', () => {
    fc.assert(
      fc.property(
        anyModel,
        anyModel,
        fc.nat(6000),
        fc.nat(6000),
        fc.nat(400),
        (model, other, to, from, count) => {
          const bytes = model.slice()
          bytes.set(other.subarray(from, from + count), to)
          survives(bytes)
        },
      ),
      RUNS,
    )
  })

  it.each([
    ['an empty file', []],
    ['a graph longer than the file', [0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a varint without an end', Array<number>(40).fill(0xff)],
    ['a group', [0x0b, 0x0c]],
    ['a graph that comes twice', [0x3a, 0x00, 0x3a, 0x00]],
    ['a name that is no text', [0x12, 0x02, 0xc3, 0x28]],
    ['a field number of 0', [0x02, 0x00]],
    ['a graph with the wrong wire type', [0x38, 0x01]],
    ['a truncated fixed field', [0x65, 0x00]],
  ])('is refused as broken when it is %s', (_, bytes) => {
    expect(() => prepareGraph(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'models.corrupt' }),
    )
  })

  it('is refused when it is a bomb of empty nodes', () => {
    const node = [0x0a, 0x00]
    const nodes = Uint8Array.from({ length: 5_000_000 }, (_, i) => node[i % 2] ?? 0)
    const header = Uint8Array.of(0x3a, 0xc0, 0x96, 0xb1, 0x02)
    const bomb = new Uint8Array(header.length + nodes.length)
    bomb.set(header)
    bomb.set(nodes, header.length)
    expect(() => prepareGraph(bomb)).toThrow(InfernetError)
  })

  it('may have nodes that turn in a circle', () => {
    const model = modelType.decode(models[0] ?? new Uint8Array())
    const { graph } = model
    if (!graph) throw new Error('no graph')
    const last = graph.nodes.at(-1)
    const circle = graph.nodes.map((node) =>
      node === last
        ? { ...node, operator: 'Add', domain: undefined, inputs: ['logits', 'logits'] }
        : { ...node, operator: 'Cast', inputs: node.outputs },
    )
    survives(modelType.encode({ ...model, graph: { ...graph, nodes: circle } }))
  })
})

describe('what lies beside a model', () => {
  const named = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      expect(error).toBeInstanceOf(InfernetError)
    }
  }
  const anything = fc.dictionary(
    fc.constantFrom(
      'model',
      'added_tokens',
      'normalizer',
      'pre_tokenizer',
      'decoder',
      'chat_template',
      'eos_token',
      'bos_token',
      'eos_token_id',
    ),
    fc.jsonValue(),
  )

  it('may be any manifest', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        named(() => parseManifest(new TextEncoder().encode(JSON.stringify(value)))),
      ),
      RUNS,
    )
  })

  it('may be any tokenizer and any template', () => {
    fc.assert(
      fc.property(anything, anything, anything, (tokenizerJson, tokenizerConfig, generationConfig) =>
        named(() =>
          createChatTokenizer({ tokenizerJson, tokenizerConfig, generationConfig, contextLength: 64 }),
        ),
      ),
      RUNS,
    )
  })

  it('may be any configuration', () => {
    const past = {
      name: 'past_key_values.0.key',
      isTensor: true,
      type: 'float32',
      shape: ['b', 'h', 'p', 'd'],
    }
    const session = {
      inputMetadata: [
        { name: 'input_ids', isTensor: true, type: 'int64', shape: [] },
        { name: 'attention_mask', isTensor: true, type: 'int64', shape: [] },
        past,
      ],
      outputMetadata: [
        { ...past, name: 'present.0.key' },
        { ...past, name: 'logits' },
      ],
    } as unknown as Parameters<typeof readGraphLayout>[0]
    const config = fc.dictionary(
      fc.constantFrom('num_key_value_heads', 'num_attention_heads', 'hidden_size', 'head_dim'),
      fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
    )
    fc.assert(
      fc.property(config, (value) => named(() => readGraphLayout(session, value))),
      RUNS,
    )
  })
})
