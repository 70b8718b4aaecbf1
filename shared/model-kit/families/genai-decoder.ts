import type { Dtype } from '../../models/manifest.ts'
import { graphType } from '../../models/onnx/onnx-messages.ts'
import { makeNode, makeValueInfo } from '../../models/onnx/make-parts.ts'
import { DATA_TYPE } from '../../models/onnx/tensor-values.ts'
import type { Family } from './family.ts'
import { GraphBuilder, floatTensor } from './graph-builder.ts'

/**
 * A decoder as onnxruntime-genai writes it for the WebGPU and CPU providers, node by node after
 * https://github.com/microsoft/onnxruntime-genai/tree/main/src/python/py/models/builders (base.py, and gemma.py,
 * phi.py, qwen.py for what each family changes), which is what most text models of `onnx-community` were made by.
 */
export function buildGenaiDecoder(family: Family, dtype: Dtype): GraphBuilder {
  const g = new GraphBuilder(dtype)
  const { hidden, layers, vocab } = family
  declareInputs(g, family)
  const lengths = reformatMask(g)
  const caches = ropeCaches(g, family, lengths.width)

  let residual = embed(g, family)
  let normed = norm(g, family, '/model/layers.0/input_layernorm', residual, hidden)
  for (let i = 0; i < layers; i++) {
    const layer = `/model/layers.${i}`
    const isLocal = family.window !== undefined && (i + 1) % family.window.every !== 0
    const attended = attention(g, family, i, normed, lengths, isLocal ? caches.local : caches.global, isLocal)
    const next = i + 1 === layers ? '/model/layers.final_norm' : `/model/layers.${i + 1}/input_layernorm`
    if (family.gemma) {
      const after = norm(g, family, `${layer}/post_attention_layernorm`, attended, hidden, { wide: true })
      const middle = skipNorm(g, family, `${layer}/pre_feedforward_layernorm`, residual, after)
      const out = norm(
        g,
        family,
        `${layer}/post_feedforward_layernorm`,
        mlp(g, family, layer, middle.normed),
        hidden,
        {
          wide: true,
        },
      )
      ;({ normed, residual } = skipNorm(g, family, next, middle.residual, out))
    } else {
      const middle = skipNorm(g, family, `${layer}/post_attention_layernorm`, residual, attended)
      ;({ normed, residual } = skipNorm(
        g,
        family,
        next,
        middle.residual,
        mlp(g, family, layer, middle.normed),
      ))
    }
  }
  head(g, family, normed)
  const type = family.floatLogits ? DATA_TYPE.float : g.floatType
  g.output('logits', type, ['batch_size', 'sequence_length', vocab])
  declareCache(g, family)
  return g
}

function cacheDims({ kvHeads, headDim }: Family, length: string): readonly (number | string)[] {
  return ['batch_size', kvHeads, length, headDim]
}

function declareInputs(g: GraphBuilder, family: Family): void {
  g.input('input_ids', DATA_TYPE.int64, ['batch_size', 'sequence_length'])
  g.input('attention_mask', DATA_TYPE.int64, ['batch_size', 'total_sequence_length'])
  if (family.rotaryNodes) g.input('position_ids', DATA_TYPE.int64, ['batch_size', 'sequence_length'])
  for (let i = 0; i < family.layers; i++)
    for (const part of ['key', 'value'])
      g.input(`past_key_values.${i}.${part}`, g.floatType, cacheDims(family, 'past_sequence_length'))
}

function declareCache(g: GraphBuilder, family: Family): void {
  for (let i = 0; i < family.layers; i++)
    for (const part of ['key', 'value'])
      g.output(`present.${i}.${part}`, g.floatType, cacheDims(family, 'total_sequence_length'))
}

interface Lengths {
  readonly rows: string
  readonly longest: string
  /** The same before its cast: what a rope switch compares. */
  readonly width: string
}

/** `make_attention_mask_standard_reformatting_for_gqa`. */
function reformatMask(g: GraphBuilder): Lengths {
  const base = '/model/attn_mask_reformat/attn_mask_subgraph'
  const toInt32 = { attributes: { to: BigInt(DATA_TYPE.int32) } }
  const sum = g.node('ReduceSum', `${base}/ReduceSum`, ['attention_mask', g.integers([1])], {
    attributes: { keepdims: 0n },
  })
  const less = g.node('Sub', `${base}/Sub`, [sum, g.integers([1])])
  const rows = g.node('Cast', `${base}/Sub/Cast`, [less], toInt32)
  const shape = g.node('Shape', `${base}/Shape`, ['attention_mask'])
  const width = g.node('Gather', `${base}/Gather`, [shape, g.integers([1], [])], { attributes: { axis: 0n } })
  return { rows, longest: g.node('Cast', `${base}/Gather/Cast`, [width], toInt32), width }
}

interface RopeCache {
  readonly cos: string
  readonly sin: string
}

function ropeCaches(g: GraphBuilder, family: Family, width: string): { global: RopeCache; local: RopeCache } {
  const { window, longRope, contextLength, theta } = family
  if (longRope) {
    const both = switchedCaches(g, family, longRope, width)
    return { global: both, local: both }
  }
  const plain = (name: string, base: number): RopeCache => {
    const { cos, sin, dims } = ropeTable(family, contextLength, base)
    return { cos: g.floats(`cos_cache${name}`, dims, cos), sin: g.floats(`sin_cache${name}`, dims, sin) }
  }
  if (!window) {
    const one = plain('', theta)
    return { global: one, local: one }
  }
  return { global: plain('_global', theta), local: plain('_local', window.theta) }
}

function ropeTable(
  { headDim, rotaryPart = 1 }: Family,
  length: number,
  theta: number,
  factor = 1,
): { cos: Float32Array; sin: Float32Array; dims: readonly number[] } {
  const turned = headDim * rotaryPart
  const half = turned / 2
  const angle = (i: number): number => Math.floor(i / half) / (factor * theta ** ((2 * (i % half)) / turned))
  const table = (of: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: length * half }, (_, i) => of(angle(i)))
  return { cos: table(Math.cos), sin: table(Math.sin), dims: [length, half] }
}

/** `make_rotary_embedding_multi_cache`: an If between two pairs of constants. */
function switchedCaches(
  g: GraphBuilder,
  family: Family,
  longRope: NonNullable<Family['longRope']>,
  width: string,
): RopeCache {
  const { contextLength, theta } = family
  const base = '/model/rotemb_caches_subgraph'
  const branch = (size: string, length: number, factor: number) => {
    const { cos, sin, dims } = ropeTable(family, length, theta, factor)
    const tables = Object.entries({ cos, sin }).map(([part, values]) => {
      const name = `${part}_cache_${size}`
      return { name, tensor: floatTensor(name, g.floatType, dims, values) }
    })
    return graphType.encode({
      name: `${size}_rotemb_caches_graph`,
      nodes: tables.map(({ name, tensor }) =>
        makeNode('Constant', [], [name], { attributes: { value: { tensor } } }),
      ),
      initializers: [],
      inputs: [],
      outputs: tables.map(({ name }) => makeValueInfo(name, g.floatType, dims)),
      valueInfos: [],
      unknown: [],
    })
  }
  const isLong = g.node('Greater', `${base}/Greater`, [width, g.integers([longRope.below], [])])
  const cache = { cos: 'cos_cache', sin: 'sin_cache' }
  g.node('If', `${base}/If`, [isLong], {
    outputs: [cache.cos, cache.sin],
    attributes: {
      then_branch: { graph: branch('large', contextLength, longRope.longFactor) },
      else_branch: { graph: branch('small', longRope.below, longRope.shortFactor) },
    },
  })
  return cache
}

/** `make_embedding`: tied float models read the head's matrix turned round. */
function embed(g: GraphBuilder, family: Family): string {
  const { hidden, vocab, tied, gemma } = family
  const isFloat = g.dtype === 'fp32' || g.dtype === 'fp16'
  const table =
    tied && isFloat
      ? g.transposed(
          '/model/embed_tokens/Transpose',
          g.floats('/lm_head/MatMul.weight', [hidden, vocab], g.random(hidden * vocab, headScale(family))),
        )
      : g.floats('model.embed_tokens.weight', [vocab, hidden], g.random(vocab * hidden, 1))
  const gathered = g.node('Gather', '/model/embed_tokens/Gather', [table, 'input_ids'])
  if (!gemma) return gathered
  const scaled = g.node('Mul', '/model/embed_tokens/Mul', [gathered, g.scalar(Math.sqrt(hidden))])
  return widened(g, '/model/embed_tokens/Cast', scaled)
}

/** Wide enough apart that rounding does not decide between two tokens. */
function headScale({ hidden }: Family): number {
  return 3 / Math.sqrt(hidden)
}

function widened(g: GraphBuilder, name: string, value: string): string {
  if (g.floatType === DATA_TYPE.float) return value
  return g.node('Cast', name, [value], { attributes: { to: BigInt(DATA_TYPE.float) } })
}

function narrowed(g: GraphBuilder, name: string, value: string): string {
  if (g.floatType === DATA_TYPE.float) return value
  return g.node('Cast', name, [value], { attributes: { to: BigInt(g.floatType) } })
}

const EPSILON = { epsilon: 1e-6 }
const NORM = { ...EPSILON, axis: -1n, stash_type: 1n }

/** Gemma's norms count in 32 bits (`layernorm_attrs["cast"]`); `wide` leaves the result so. */
function norm(
  g: GraphBuilder,
  family: Family,
  name: string,
  input: string,
  width: number,
  { wide = false } = {},
): string {
  const isWide = family.gemma === true
  const weight = normWeight(g, name, width, isWide)
  const isResidual = name.endsWith('input_layernorm')
  const from = isWide && !isResidual ? widened(g, `${name}/root_input/Cast`, input) : input
  const out = g.node('SimplifiedLayerNormalization', name, [from, weight], { attributes: NORM })
  return isWide && !wide ? narrowed(g, `${name}/output_0/Cast`, out) : out
}

/** Adds to the residual and norms the sum. The last one keeps no residual. */
function skipNorm(
  g: GraphBuilder,
  family: Family,
  name: string,
  residual: string,
  added: string,
): { normed: string; residual: string } {
  const isWide = family.gemma === true
  const weight = normWeight(g, name, family.hidden, isWide)
  const isLast = name.endsWith('final_norm')
  const outputs = isLast ? [`${name}/output_0`] : [`${name}/output_0`, '', '', `${name}/output_3`]
  const out = g.node('SkipSimplifiedLayerNormalization', name, [residual, added, weight], {
    outputs,
    attributes: EPSILON,
  })
  const normed = isWide ? narrowed(g, `${name}/output_0/Cast`, out) : out
  return { normed, residual: `${name}/output_3` }
}

function normWeight(g: GraphBuilder, name: string, width: number, isGemma: boolean): string {
  // Gemma's second norms decide how loud a layer is beside its scaled embedding.
  const mean = isGemma && name.includes('/post_') ? LOUD : 1
  return g.floats(
    `${name}.weight`,
    [width],
    g.random(width, 0.1, mean),
    isGemma ? DATA_TYPE.float : g.floatType,
  )
}

/** A tied model with quiet layers only says again what it read: these are heard over the embedding. */
const LOUD = 6

function attention(
  g: GraphBuilder,
  family: Family,
  i: number,
  input: string,
  lengths: Lengths,
  rope: RopeCache,
  isLocal: boolean,
): string {
  const { hidden, heads, kvHeads, headDim, packed } = family
  const base = `/model/layers.${i}/attn`
  const project = (part: string, width: number): string => {
    const product = g.linear(`${base}/${part}_proj/MatMul`, input, hidden, width)
    if (!family.qkvBias) return product
    const bias = g.floats(`${base}/${part}_proj.bias`, [width], g.random(width, 0.3))
    return g.node('Add', `${base}/${part}_proj/Add`, [product, bias])
  }
  const turn = (part: string, value: string): string =>
    family.rotaryNodes
      ? g.node('RotaryEmbedding', `${base}/${part}_rotary`, [value, 'position_ids', rope.cos, rope.sin], {
          attributes: { interleaved: 0n, num_heads: 0n, rotary_embedding_dim: 0n },
        })
      : value
  const headNorm = (part: string, value: string, count: number): string =>
    family.qkNorm ? qkNorm(g, family, `${base}/${part}_norm`, value, count) : value
  const qkv = packed
    ? [project('qkv', (heads + 2 * kvHeads) * headDim), '', '']
    : [
        turn('q', headNorm('q', project('q', heads * headDim), heads)),
        turn('k', headNorm('k', project('k', kvHeads * headDim), kvHeads)),
        project('v', kvHeads * headDim),
      ]
  const out = g.node(
    'GroupQueryAttention',
    `${base}/GroupQueryAttention`,
    [
      ...qkv,
      `past_key_values.${i}.key`,
      `past_key_values.${i}.value`,
      lengths.rows,
      lengths.longest,
      ...(family.rotaryNodes ? ['', ''] : [rope.cos, rope.sin]),
      '',
      '',
      '',
    ],
    {
      outputs: [`${base}/GroupQueryAttention/output_0`, `present.${i}.key`, `present.${i}.value`],
      attributes: {
        num_heads: BigInt(heads),
        kv_num_heads: BigInt(kvHeads),
        scale: headDim ** -0.5,
        local_window_size: isLocal ? BigInt(family.window?.size ?? -1) : -1n,
        softcap: 0,
        do_rotary: family.rotaryNodes ? 0n : 1n,
        rotary_interleaved: 0n,
      },
    },
  )
  return g.linear(`${base}/o_proj/MatMul`, out, heads * headDim, hidden, { scale: LOUD })
}

/** `make_qk_norm`: each head by itself, [batch, tokens * heads, headDim]. */
function qkNorm(g: GraphBuilder, family: Family, name: string, value: string, count: number): string {
  const { headDim } = family
  const apart = g.node('Reshape', `${name}/Reshape_1`, [value, g.integers([0, -1, headDim])])
  const normed = norm(g, family, `${name}/SimplifiedLayerNormalization`, apart, headDim)
  return g.node('Reshape', `${name}/Reshape_2`, [normed, g.integers([0, -1, count * headDim])])
}

function mlp(g: GraphBuilder, family: Family, layer: string, input: string): string {
  const { hidden, inner } = family
  const gate = g.linear(`${layer}/mlp/gate_proj/MatMul`, input, hidden, inner)
  const up = g.linear(`${layer}/mlp/up_proj/MatMul`, input, hidden, inner)
  const active = g.node('Mul', `${layer}/mlp/Mul`, [activation(g, family, layer, gate), up])
  return g.linear(`${layer}/mlp/down_proj/MatMul`, active, inner, hidden, { scale: LOUD })
}

function activation(g: GraphBuilder, family: Family, layer: string, gate: string): string {
  if (family.gemma)
    return g.node('Gelu', `${layer}/mlp/act_fn/FastGelu`, [gate], { attributes: { approximate: 'tanh' } })
  const sigmoid = g.node('Sigmoid', `${layer}/mlp/act_fn/Sigmoid`, [gate])
  return g.node('Mul', `${layer}/mlp/act_fn/Mul`, [gate, sigmoid])
}

/** `make_lm_head`, with its cap (Div, Tanh, Mul) and its cast. */
function head(g: GraphBuilder, family: Family, normed: string): void {
  const { hidden, vocab, logitCap } = family
  const casts = family.floatLogits === true && g.floatType !== DATA_TYPE.float
  const isLast = !casts && logitCap === undefined
  let value = g.linear('/lm_head/MatMul', normed, hidden, vocab, {
    scale: 3,
    ...(isLast ? { output: 'logits' } : {}),
  })
  if (logitCap !== undefined) {
    const cap = g.scalar(logitCap)
    value = g.node('Div', '/lm_head/softcap/Div', [value, cap])
    value = g.node('Tanh', '/lm_head/softcap/Tanh', [value])
    value = g.node('Mul', '/lm_head/softcap/Mul', [value, cap], casts ? {} : { outputs: ['logits'] })
  }
  if (casts)
    g.node('Cast', '/lm_head/Cast', [value], {
      outputs: ['logits'],
      attributes: { to: BigInt(DATA_TYPE.float) },
    })
}
