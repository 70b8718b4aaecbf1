import { makeNode, makeTensor, makeValueInfo, type AttributeValue } from '../../models/onnx/make-parts.ts'
import { modelType, type OnnxTensor } from '../../models/onnx/onnx-messages.ts'
import { DATA_TYPE } from '../../models/onnx/tensor-values.ts'

/** A tensor that goes into an operator. */
export interface Operand {
  readonly dims: readonly number[]
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>
}

/** A model of one operator, with what to feed it. */
export interface OperatorCase {
  /** As the ONNX standard or ORT's contrib operators name it. */
  readonly operator: string
  /** What of it is tried, e.g. `prefill`. */
  readonly variant: string
  /** An ONNX file. */
  readonly model: Uint8Array
  readonly feeds: Readonly<Record<string, Operand>>
}

const MICROSOFT = 'com.microsoft'

/**
 * The operators of a language model, each alone: what a failed self-test is explained with.
 *
 * The intricate ones come first, for a check that must end early. Sizes are small, but odd enough to leave tiles half full, and long enough that attention takes its prefill shader.
 */
export function operatorCases(): readonly OperatorCase[] {
  return [
    ...attentionCases(32),
    matMulNBits('many rows', 33),
    matMulNBits('one row', 1),
    oneNode('Gather', 'embedding', {
      feeds: { ids: { dims: [1, 9], data: BigInt64Array.from([0, 5, 90, 3, 3, 17, 40, 95, 1], BigInt) } },
      constants: { table: floats([96, 64], 1) },
      inputs: ['table', 'ids'],
    }),
    oneNode('MatMul', 'many rows', {
      feeds: { x: floats([1, 33, 64], 2) },
      constants: { w: floats([64, 96], 3) },
      inputs: ['x', 'w'],
    }),
    oneNode('MatMul', 'one row', {
      feeds: { x: floats([1, 1, 64], 4) },
      constants: { w: floats([64, 96], 5) },
      inputs: ['x', 'w'],
    }),
    oneNode('SimplifiedLayerNormalization', 'rows', {
      feeds: { x: floats([1, 33, 64], 6) },
      constants: { scale: floats([64], 7) },
      inputs: ['x', 'scale'],
      attributes: { axis: -1n, epsilon: 1e-5, stash_type: 1n },
    }),
    oneNode('SkipSimplifiedLayerNormalization', 'rows', {
      domain: MICROSOFT,
      feeds: { x: floats([1, 33, 64], 8), skip: floats([1, 33, 64], 9) },
      constants: { scale: floats([64], 10) },
      inputs: ['x', 'skip', 'scale'],
      outputs: ['y', '', '', 'sum'],
      attributes: { epsilon: 1e-5 },
    }),
    oneNode('RotaryEmbedding', 'prefill', {
      domain: MICROSOFT,
      feeds: {
        x: floats([1, 4, 33, 32], 11),
        positions: { dims: [1, 33], data: BigInt64Array.from({ length: 33 }, (_, i) => BigInt(i)) },
      },
      constants: ropeCaches(32),
      inputs: ['x', 'positions', 'cos', 'sin'],
    }),
    oneNode('Softmax', 'rows', {
      feeds: { x: floats([4, 33, 129], 12, 6) },
      inputs: ['x'],
      attributes: { axis: -1n },
    }),
    oneNode('Sigmoid', 'rows', { feeds: { x: floats([33, 65], 13, 6) }, inputs: ['x'] }),
    oneNode('Mul', 'rows', {
      feeds: { a: floats([33, 65], 14), b: floats([33, 65], 15) },
      inputs: ['a', 'b'],
    }),
    oneNode('Add', 'rows', {
      feeds: { a: floats([33, 65], 16), b: floats([33, 65], 17) },
      inputs: ['a', 'b'],
    }),
    // Last: lavapipe compiles this prefill shader for minutes.
    ...attentionCases(64),
  ]
}

function matMulNBits(variant: string, rows: number): OperatorCase {
  const [inner, columns, blockSize] = [64, 96, 32]
  const blocks = inner / blockSize
  const packed = Uint8Array.from({ length: (columns * inner) / 2 }, (_, i) => (i * 73 + 11) & 0xff)
  return oneNode('MatMulNBits', variant, {
    domain: MICROSOFT,
    feeds: { x: floats([1, rows, inner], 18) },
    constants: { scales: floats([columns * blocks], 19, 0.1) },
    bytes: [makeTensor('packed', DATA_TYPE.uint8, [columns, blocks, blockSize / 2], packed)],
    inputs: ['x', 'packed', 'scales'],
    attributes: {
      K: BigInt(inner),
      N: BigInt(columns),
      bits: 4n,
      block_size: BigInt(blockSize),
      accuracy_level: 0n,
    },
  })
}

/** @param headSize 32 in Infernet Tiny, 64 in most small models: kernels differ by it */
function attentionCases(headSize: number): readonly OperatorCase[] {
  return [attention('prefill', headSize, 45, 0), attention('decode', headSize, 1, 44)]
}

/** Grouped-query attention with its own rotary embedding: four heads that share two of keys and values. */
function attention(variant: string, headSize: number, reads: number, past: number): OperatorCase {
  const [heads, keyHeads] = [4, 2]
  const total = past + reads
  return oneNode('GroupQueryAttention', `${variant}, heads of ${headSize}`, {
    domain: MICROSOFT,
    feeds: {
      query: floats([1, reads, heads * headSize], 20),
      key: floats([1, reads, keyHeads * headSize], 21),
      value: floats([1, reads, keyHeads * headSize], 22),
      pastKey: floats([1, keyHeads, past, headSize], 23),
      pastValue: floats([1, keyHeads, past, headSize], 24),
      lengths: { dims: [1], data: Int32Array.of(total - 1) },
      total: { dims: [1], data: Int32Array.of(total) },
    },
    constants: ropeCaches(headSize),
    inputs: ['query', 'key', 'value', 'pastKey', 'pastValue', 'lengths', 'total', 'cos', 'sin'],
    outputs: ['y', 'presentKey', 'presentValue'],
    attributes: { num_heads: BigInt(heads), kv_num_heads: BigInt(keyHeads), do_rotary: 1n },
  })
}

function ropeCaches(headSize: number): Readonly<Record<string, Operand>> {
  const [length, half] = [64, headSize / 2]
  const angles = Array.from(
    { length: length * half },
    (_, i) => Math.floor(i / half) / 10_000 ** ((i % half) / half),
  )
  return {
    cos: { dims: [length, half], data: Float32Array.from(angles, Math.cos) },
    sin: { dims: [length, half], data: Float32Array.from(angles, Math.sin) },
  }
}

/** Numbers between `-scale` and `scale`, the same on every machine: Numerical Recipes' linear congruences. */
function floats(dims: readonly number[], seed: number, scale = 1): Operand {
  let state = (seed * 2_654_435_761) >>> 0
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state / 2 ** 31 - 1) * scale
  }
  const count = dims.reduce((product, dim) => product * dim, 1)
  return { dims, data: Float32Array.from({ length: count }, next) }
}

interface OneNode {
  readonly domain?: string
  readonly feeds: Readonly<Record<string, Operand>>
  /** Weights, which kernels may prepare when the session starts. */
  readonly constants?: Readonly<Record<string, Operand>>
  readonly bytes?: readonly OnnxTensor[]
  readonly inputs: readonly string[]
  /** @default one, `y` */
  readonly outputs?: readonly string[]
  readonly attributes?: Readonly<Record<string, AttributeValue>>
}

/** An ONNX file of one node, in the versions that our models are written in. */
function oneNode(operator: string, variant: string, parts: OneNode): OperatorCase {
  const { domain = '', feeds, constants = {}, bytes = [], inputs, outputs = ['y'], attributes = {} } = parts
  const initializers = Object.entries(constants).map(([name, { dims, data }]) =>
    makeTensor(name, typeOf(data), dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  )
  const model = modelType.encode({
    irVersion: 8n,
    producer: undefined,
    functions: [],
    operatorSets: [
      { domain: '', version: 17n, unknown: [] },
      { domain: MICROSOFT, version: 1n, unknown: [] },
    ],
    graph: {
      name: operator,
      nodes: [makeNode(operator, inputs, outputs, { domain, attributes })],
      initializers: [...initializers, ...bytes],
      inputs: Object.entries(feeds).map(([name, { dims, data }]) => makeValueInfo(name, typeOf(data), dims)),
      // Their shapes follow from the operator's.
      outputs: outputs
        .filter((name) => name !== '')
        .map((name) => ({ ...makeValueInfo(name, DATA_TYPE.float, []), type: undefined })),
      valueInfos: [],
      unknown: [],
    },
    unknown: [],
  })
  return { operator, variant, model, feeds }
}

function typeOf(data: Operand['data']): number {
  if (data instanceof Float32Array) return DATA_TYPE.float
  return data instanceof Int32Array ? DATA_TYPE.int32 : DATA_TYPE.int64
}
