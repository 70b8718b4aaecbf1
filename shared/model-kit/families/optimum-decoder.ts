import type { Dtype } from '../../models/manifest.ts'
import { DATA_TYPE } from '../../models/onnx/tensor-values.ts'
import type { Family } from './family.ts'
import { GraphBuilder } from './graph-builder.ts'

/**
 * A Llama as `optimum-cli export onnx --task text-generation-with-past` traces it: no fused operator, a mask added to
 * the scores, rotary embeddings from `position_ids`, keys and values repeated by Expand, `num_logits_to_keep` as an
 * input. After modeling_llama.py of https://github.com/huggingface/transformers (release 4.48), operator by operator.
 */
export function buildOptimumDecoder(family: Family, dtype: Dtype): GraphBuilder {
  const g = new GraphBuilder(dtype)
  const { hidden, layers, vocab, kvHeads, headDim } = family
  g.input('input_ids', DATA_TYPE.int64, ['batch_size', 'sequence_length'])
  g.input('attention_mask', DATA_TYPE.int64, ['batch_size', 'past_sequence_length + sequence_length'])
  g.input('position_ids', DATA_TYPE.int64, ['batch_size', 'sequence_length'])
  for (let i = 0; i < layers; i++)
    for (const part of ['key', 'value'])
      g.input(`past_key_values.${i}.${part}`, g.floatType, [
        'batch_size',
        kvHeads,
        'past_sequence_length',
        headDim,
      ])
  g.input('num_logits_to_keep', DATA_TYPE.int64, [])

  const table = g.floats('model.embed_tokens.weight', [vocab, hidden], g.random(vocab * hidden, 1))
  let x = g.node('Gather', '/model/embed_tokens/Gather', [table, 'input_ids'])
  const rope = rotary(g, family)
  const mask = causalMask(g)
  for (let i = 0; i < layers; i++) {
    const layer = `/model/layers.${i}`
    const attended = attention(g, family, i, rmsNorm(g, `${layer}/input_layernorm`, x, hidden), rope, mask)
    x = g.node('Add', `${layer}/Add`, [x, attended])
    const normed = rmsNorm(g, `${layer}/post_attention_layernorm`, x, hidden)
    x = g.node('Add', `${layer}/Add_1`, [x, mlp(g, family, layer, normed)])
  }
  const normed = rmsNorm(g, '/model/norm', x, hidden)
  // hidden_states[:, -num_logits_to_keep:, :]
  const from = g.node('Neg', '/Neg', ['num_logits_to_keep'])
  const start = g.node('Unsqueeze', '/Unsqueeze', [from, g.integers([0])])
  const kept = g.node('Slice', '/Slice', [
    normed,
    start,
    g.integers([LAST]),
    g.integers([1]),
    g.integers([1], [1]),
  ])
  g.linear('/lm_head/MatMul', kept, hidden, vocab, { scale: 3, output: 'logits' })
  g.output('logits', g.floatType, ['batch_size', 'num_logits_to_keep', vocab])
  for (let i = 0; i < layers; i++)
    for (const part of ['key', 'value'])
      g.output(`present.${i}.${part}`, g.floatType, [
        'batch_size',
        kvHeads,
        'past_sequence_length + sequence_length',
        headDim,
      ])
  return g
}

/** Exporters write int64's largest; numbers here hold no more than this, which is as good. */
const LAST = Number.MAX_SAFE_INTEGER

interface Rotary {
  readonly cos: string
  readonly sin: string
}

/** LlamaRotaryEmbedding: in 32 bits, then cast. [batch, 1, tokens, headDim]. */
function rotary(g: GraphBuilder, { headDim, theta }: Family): Rotary {
  const base = '/model/rotary_emb'
  const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim))
  const inverse = g.floats(`${base}/inv_freq`, [1, 1, headDim / 2], frequencies, DATA_TYPE.float)
  const apart = g.node('Unsqueeze', `${base}/Unsqueeze`, ['position_ids', g.integers([2])])
  const positions = g.node('Cast', `${base}/Cast`, [apart], { attributes: { to: BigInt(DATA_TYPE.float) } })
  const angles = g.node('MatMul', `${base}/MatMul`, [positions, inverse])
  const twice = g.node('Concat', `${base}/Concat`, [angles, angles], { attributes: { axis: -1n } })
  const part = (operator: string): string => {
    const value = g.node(operator, `${base}/${operator}`, [twice])
    const cast = g.node('Cast', `${base}/${operator}/Cast`, [value], {
      attributes: { to: BigInt(g.floatType) },
    })
    return g.node('Unsqueeze', `${base}/${operator}/Unsqueeze`, [cast, g.integers([1])])
  }
  return { cos: part('Cos'), sin: part('Sin') }
}

/** Later tokens and those that the mask leaves out get a very low score. [batch, 1, tokens, total]. */
function causalMask(g: GraphBuilder): string {
  const base = '/model/mask'
  const size = (value: string, axis: number, name: string): string => {
    const shape = g.node('Shape', `${base}/${name}/Shape`, [value])
    return g.node('Gather', `${base}/${name}/Gather`, [shape, g.integers([axis], [])], {
      attributes: { axis: 0n },
    })
  }
  const total = size('attention_mask', 1, 'total')
  const columns = g.node('Range', `${base}/Range`, [g.integers([0], []), total, g.integers([1], [])])
  const rows = g.node('Unsqueeze', `${base}/Unsqueeze`, ['position_ids', g.integers([1, 3])])
  const later = g.node('Greater', `${base}/Greater`, [columns, rows])
  const kept = g.node('Cast', `${base}/Cast`, ['attention_mask'], { attributes: { to: 9n } })
  const left = g.node('Not', `${base}/Not`, [kept])
  const wide = g.node('Unsqueeze', `${base}/Unsqueeze_1`, [left, g.integers([1, 2])])
  const hidden = g.node('Or', `${base}/Or`, [later, wide])
  return g.node('Where', `${base}/Where`, [hidden, g.scalar(-10_000), g.scalar(0)])
}

function rmsNorm(g: GraphBuilder, name: string, x: string, width: number): string {
  const squares = g.node('Pow', `${name}/Pow`, [x, g.scalar(2)])
  const mean = g.node('ReduceMean', `${name}/ReduceMean`, [squares, g.integers([-1])], {
    attributes: { keepdims: 1n },
  })
  const safe = g.node('Add', `${name}/Add`, [mean, g.scalar(1e-5)])
  const root = g.node('Sqrt', `${name}/Sqrt`, [safe])
  const normed = g.node('Div', `${name}/Div`, [x, root])
  const weight = g.floats(`${name}.weight`, [width], g.random(width, 0.1, 1))
  return g.node('Mul', `${name}/Mul`, [weight, normed])
}

function attention(
  g: GraphBuilder,
  family: Family,
  i: number,
  x: string,
  rope: Rotary,
  mask: string,
): string {
  const { hidden, heads, kvHeads, headDim } = family
  const base = `/model/layers.${i}/self_attn`
  const project = (part: string, count: number): string => {
    const product = g.linear(`${base}/${part}_proj/MatMul`, x, hidden, count * headDim)
    const apart = g.node('Reshape', `${base}/${part}/Reshape`, [product, g.integers([0, 0, count, headDim])])
    return g.node('Transpose', `${base}/${part}/Transpose`, [apart], { attributes: { perm: [0, 2, 1, 3] } })
  }
  const query = turned(g, family, `${base}/q/rotary`, project('q', heads), rope)
  const extend = (part: 'key' | 'value', fresh: string): string =>
    g.node('Concat', `${base}/${part}/Concat`, [`past_key_values.${i}.${part}`, fresh], {
      outputs: [`present.${i}.${part}`],
      attributes: { axis: 2n },
    })
  const key = repeated(
    g,
    family,
    `${base}/k`,
    extend('key', turned(g, family, `${base}/k/rotary`, project('k', kvHeads), rope)),
  )
  const value = repeated(g, family, `${base}/v`, extend('value', project('v', kvHeads)))
  const across = g.node('Transpose', `${base}/Transpose`, [key], { attributes: { perm: [0, 1, 3, 2] } })
  const products = g.node('MatMul', `${base}/MatMul`, [query, across])
  const scaled = g.node('Mul', `${base}/Mul`, [products, g.scalar(headDim ** -0.5)])
  const masked = g.node('Add', `${base}/Add`, [scaled, mask])
  const weights = g.node('Softmax', `${base}/Softmax`, [masked], { attributes: { axis: -1n } })
  const mixed = g.node('MatMul', `${base}/MatMul_1`, [weights, value])
  const back = g.node('Transpose', `${base}/Transpose_1`, [mixed], { attributes: { perm: [0, 2, 1, 3] } })
  const flat = g.node('Reshape', `${base}/Reshape`, [back, g.integers([0, 0, heads * headDim])])
  return g.linear(`${base}/o_proj/MatMul`, flat, heads * headDim, hidden)
}

/** `apply_rotary_pos_emb`: x * cos + rotate_half(x) * sin. */
function turned(g: GraphBuilder, { headDim }: Family, name: string, x: string, { cos, sin }: Rotary): string {
  const half = headDim / 2
  const slice = (from: number, to: number, at: string): string =>
    g.node('Slice', `${name}/Slice_${at}`, [x, g.integers([from]), g.integers([to]), g.integers([3])])
  const negative = g.node('Neg', `${name}/Neg`, [slice(half, LAST, 'upper')])
  const swapped = g.node('Concat', `${name}/Concat`, [negative, slice(0, half, 'lower')], {
    attributes: { axis: -1n },
  })
  const straight = g.node('Mul', `${name}/Mul`, [x, cos])
  return g.node('Add', `${name}/Add`, [straight, g.node('Mul', `${name}/Mul_1`, [swapped, sin])])
}

/** `repeat_kv`: each key head serves several query heads. */
function repeated(g: GraphBuilder, { heads, kvHeads, headDim }: Family, name: string, x: string): string {
  const times = heads / kvHeads
  if (times === 1) return x
  const apart = g.node('Unsqueeze', `${name}/Unsqueeze`, [x, g.integers([2])])
  const copies = g.node('Expand', `${name}/Expand`, [apart, g.integers([1, 1, times, 1, 1])])
  return g.node('Reshape', `${name}/Reshape_1`, [copies, g.integers([0, heads, -1, headDim])])
}

function mlp(g: GraphBuilder, { hidden, inner }: Family, layer: string, x: string): string {
  const gate = g.linear(`${layer}/mlp/gate_proj/MatMul`, x, hidden, inner)
  const sigmoid = g.node('Sigmoid', `${layer}/mlp/act_fn/Sigmoid`, [gate])
  const active = g.node('Mul', `${layer}/mlp/act_fn/Mul`, [gate, sigmoid])
  const up = g.linear(`${layer}/mlp/up_proj/MatMul`, x, hidden, inner)
  const both = g.node('Mul', `${layer}/mlp/Mul`, [active, up])
  return g.linear(`${layer}/mlp/down_proj/MatMul`, both, inner, hidden)
}
