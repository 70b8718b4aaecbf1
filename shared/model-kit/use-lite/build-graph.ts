import type { AttributeValue } from '../../models/onnx/make-parts.ts'
import { DATA_TYPE } from '../../models/onnx/tensor-values.ts'
import { GraphBuilder } from '../families/graph-builder.ts'
import type { Weight, Weights } from './read-weights.ts'

/** The longest text in tokens. The original was trained on sentences, and takes as many. */
export const TEXT_TOKENS = 128

/** Numbers of a vector. */
export const DIMENSIONS = 512

/** Two layers: how wide the input of each is. */
const WIDTHS = [256, DIMENSIONS]
const HEADS = 4

/** Added to the attention of padding: so little of it is left that a text's vector does not depend on its neighbours. */
const MASKED = -1e9

/** An epsilon of the original's layer norm. */
const EPSILON = 1e-6

/**
 * The Universal Sentence Encoder Lite as the hub's embedders are laid out: `input_ids` and `attention_mask`, both int64
 * `[batch, sequence]`, to `sentence_embedding`, fp32 `[batch, 512]`, of length one, and `last_hidden_state`.
 *
 * A transformer that normalizes before each part, over the sum of twice the embedding and the sines of the position; the
 * mean over the tokens goes through one layer and tanh. The original computes each token of all texts in one long list;
 * here each text has a row.
 */
export function buildEncoderGraph(weights: Weights, fileName: string): Uint8Array<ArrayBuffer> {
  const file = new EncoderGraph(weights).build().finish(fileName).get(fileName)
  if (!file) throw new Error(`no ${fileName}`)
  return file
}

type Attributes = Readonly<Record<string, AttributeValue>>

class EncoderGraph {
  readonly #weights: Weights
  readonly #graph = new GraphBuilder('fp32')

  constructor(weights: Weights) {
    this.#weights = weights
  }

  build(): GraphBuilder {
    const graph = this.#graph
    const dims = ['batch_size', 'sequence_length']
    const ids = graph.input('input_ids', DATA_TYPE.int64, dims)
    const given = graph.input('attention_mask', DATA_TYPE.int64, dims)
    const mask = this.#node('Cast', 'mask', [given], { to: BigInt(DATA_TYPE.float) })
    const padding = this.#node('Sub', 'padding', [graph.scalar(1), mask])
    const masked = this.#node('Mul', 'masked', [padding, graph.scalar(MASKED)])
    const bias = this.#node('Unsqueeze', 'bias', [masked, graph.integers([1, 2])])
    let hidden = this.#positioned(ids, given)
    WIDTHS.forEach((_, layer) => (hidden = this.#layer(layer, hidden, bias)))
    this.#pool(hidden, mask)
    graph.output('sentence_embedding', DATA_TYPE.float, ['batch_size', DIMENSIONS])
    graph.output('last_hidden_state', DATA_TYPE.float, [...dims, DIMENSIONS])
    return graph
  }

  /** Twice the embedding of each token, and the waves of its place. */
  #positioned(ids: string, mask: string): string {
    const graph = this.#graph
    const table = this.#constant('embeddings', this.#weights.find('module/Embeddings_en'))
    const embedded = this.#node('Gather', 'embedded', [table, ids])
    const counted = this.#node('CumSum', 'counted', [mask, graph.integers([1], [])])
    const position = this.#node('Sub', 'position', [counted, graph.integers([1], [])])
    const waves = this.#constant('waves', wavesOf(this.#weights.find('TimingSignal/ExpandDims_1')))
    const signal = this.#node('Gather', 'signal', [waves, position])
    return this.#node('Add', 'input', [this.#node('Mul', 'twice', [embedded, graph.scalar(2)]), signal])
  }

  #layer(layer: number, input: string, bias: string): string {
    const name = `layer.${layer}`
    const scope = `Layer_${layer}/TransformerLayer`
    const normed = this.#norm(`${name}.norm1`, input, `${scope}/layer_prepostprocess`)
    const attended = this.#attention(layer, normed, bias)
    // The first layer's input is half as wide as what comes out of its attention.
    const carried =
      layer === 0
        ? this.#linear(`${name}.widen`, input, `Encode/${scope}/dense/kernel/ConcatPartitions/concat`, {
            bias: `Encode/${scope}/dense/bias/ConcatPartitions/concat`,
          })
        : input
    const residual = this.#node('Add', `${name}.residual`, [attended, carried])
    const ffn = `${scope}/FFN`
    const between = this.#norm(`${name}.norm2`, residual, `${ffn}/layer_prepostprocess`)
    const up = this.#linear(`${name}.up`, between, `${ffn}/conv1/Tensordot/Reshape_1`, {
      bias: `Encode/${ffn}/conv1/bias/ConcatPartitions/concat`,
    })
    const active = this.#node('Relu', `${name}.relu`, [up])
    const down = this.#linear(`${name}.down`, active, `${ffn}/conv2/Tensordot/Reshape_1`, {
      bias: `Encode/${ffn}/conv2/bias/ConcatPartitions/concat`,
    })
    const isLast = layer === WIDTHS.length - 1
    return this.#node(
      'Add',
      `${name}.output`,
      [down, residual],
      {},
      isLast ? ['last_hidden_state'] : undefined,
    )
  }

  #attention(layer: number, input: string, bias: string): string {
    const graph = this.#graph
    const width = WIDTHS[layer] ?? NaN
    const head = width / HEADS
    const name = `layer.${layer}.attention`
    const scope = `Encode/Layer_${layer}/TransformerLayer/MultiheadAttention`
    const joint = this.#linear(`${name}.qkv`, input, `${scope}/qkv_transform_single/kernel/part_0`, {
      bias: `${scope}/qkv_transform_single/bias/ConcatPartitions/concat`,
    })
    const parts = ['q', 'k', 'v'].map((part) => `${name}.${part}`)
    this.#node('Split', `${name}.split`, [joint, graph.integers([width, width, width])], { axis: 2n }, parts)
    // Keys are turned, so that queries times keys is one product for each head.
    const orders = [
      [0, 2, 1, 3],
      [0, 2, 3, 1],
      [0, 2, 1, 3],
    ]
    const [queries = '', keys = '', values = ''] = parts.map((part, i) => {
      const split = this.#node('Reshape', `${part}.heads`, [part, graph.integers([0, 0, HEADS, head])])
      return this.#node('Transpose', `${part}.turned`, [split], { perm: orders[i] ?? [] })
    })
    const scaled = this.#node('Mul', `${name}.scaled`, [queries, graph.scalar(head ** -0.5)])
    const scores = this.#node('MatMul', `${name}.scores`, [scaled, keys])
    const biased = this.#node('Add', `${name}.biased`, [scores, bias])
    const shares = this.#node('Softmax', `${name}.shares`, [biased], { axis: -1n })
    const mixed = this.#node('MatMul', `${name}.mixed`, [shares, values])
    const turned = this.#node('Transpose', `${name}.turned`, [mixed], { perm: [0, 2, 1, 3] })
    const merged = this.#node('Reshape', `${name}.merged`, [turned, graph.integers([0, 0, width])])
    return this.#linear(`${name}.output`, merged, `${scope}/output_transform_single/kernel/part_0`, {
      bias: `${scope}/output_transform_single/bias/ConcatPartitions/concat`,
    })
  }

  /** The mean over a text's tokens, through a layer and tanh, brought to length one. */
  #pool(hidden: string, mask: string): void {
    const graph = this.#graph
    const one = graph.scalar(1)
    const weighed = this.#node('Mul', 'pool.weighed', [
      hidden,
      this.#node('Unsqueeze', 'pool.mask', [mask, graph.integers([2])]),
    ])
    const sum = this.#node('ReduceSum', 'pool.sum', [weighed, graph.integers([1])], { keepdims: 0n })
    const length = this.#node('ReduceSum', 'pool.length', [mask, graph.integers([1])], { keepdims: 1n })
    const mean = this.#node('Div', 'pool.mean', [sum, this.#node('Max', 'pool.least', [length, one])])
    const head = this.#linear('pool.head', mean, 'tanh_layer_0/weights', { bias: 'tanh_layer_0/bias' })
    const squashed = this.#node('Tanh', 'pool.tanh', [head])
    const squares = this.#node('Mul', 'pool.squares', [squashed, squashed])
    const total = this.#node('ReduceSum', 'pool.total', [squares, graph.integers([-1])], { keepdims: 1n })
    const norm = this.#node('Sqrt', 'pool.norm', [
      this.#node('Max', 'pool.positive', [total, graph.scalar(1e-12)]),
    ])
    this.#node('Div', 'pool.unit', [squashed, norm], {}, ['sentence_embedding'])
  }

  #norm(name: string, input: string, scope: string): string {
    const [scale, bias] = ['scale', 'bias'].map((part) =>
      this.#constant(
        `${name}.${part}`,
        this.#weights.find(`Encode/${scope}/layer_norm/layer_norm_${part}/ConcatPartitions/concat`),
      ),
    )
    const inputs = [input, scale ?? '', bias ?? '']
    return this.#node('LayerNormalization', name, inputs, { axis: -1n, epsilon: EPSILON })
  }

  /** `input` times a matrix, and a bias. Kernels have two dimensions of one before those of the matrix, or none. */
  #linear(name: string, input: string, kernel: string, { bias }: { bias: string }): string {
    const { dims, values } = this.#weights.find(kernel)
    const matrix = this.#constant(`${name}.weight`, { dims: dims.slice(-2), values })
    const product = this.#node('MatMul', `${name}.product`, [input, matrix])
    return this.#node('Add', name, [product, this.#constant(`${name}.bias`, this.#weights.find(bias))])
  }

  #constant(name: string, { dims, values }: Weight): string {
    return this.#graph.floats(name, dims, values)
  }

  #node(
    operator: string,
    name: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    outputs: readonly string[] = [name],
  ): string {
    return this.#graph.node(operator, name, inputs, { attributes, outputs })
  }
}

/**
 * The sines and cosines of each place times the inverse timescales. The original computes them each time; a GPU's own are
 * right to three digits alone (WGSL 15.7.4: 2^-11), which was seen in the fifth digit of a vector.
 */
function wavesOf({ values: timescales }: Weight): Weight {
  const rows = Array.from({ length: TEXT_TOKENS }, (_, place) => {
    const angles = [...timescales].map((scale) => Math.fround(place * scale))
    return [...angles.map(Math.sin), ...angles.map(Math.cos)]
  })
  return { dims: [TEXT_TOKENS, 2 * timescales.length], values: Float32Array.from(rows.flat()) }
}
