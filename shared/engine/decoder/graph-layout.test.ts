import { describe, expect, it } from 'vitest'
import type { OrtSession } from '../ort-runtime.ts'
import { readGraphLayout } from './graph-layout.ts'

type Metadata = Pick<OrtSession, 'inputMetadata' | 'outputMetadata'>
const tensor = (name: string, type: string, shape: readonly (number | string)[]) => ({
  name,
  isTensor: true,
  type,
  shape,
})

function graph(
  parts: { inputs?: object[]; drop?: string[]; past?: readonly (number | string)[]; type?: string } = {},
) {
  const { inputs = [], drop = [], past = ['batch', 2, 'past', 32], type = 'float32' } = parts
  const keep = ({ name }: { name: string }) => !drop.includes(name)
  return {
    inputMetadata: [
      tensor('input_ids', 'int64', []),
      tensor('attention_mask', 'int64', []),
      tensor('past_key_values.0.key', type, past),
      tensor('past_key_values.0.value', type, past),
      ...inputs,
    ].filter((value) => keep(value as { name: string })),
    outputMetadata: [
      tensor('logits', type, []),
      tensor('present.0.key', type, []),
      tensor('present.0.value', type, []),
    ].filter(keep),
  } as unknown as Metadata
}

describe('readGraphLayout', () => {
  it('takes the sizes of the cache from the graph', () => {
    expect(readGraphLayout(graph(), {})).toEqual({
      past: [
        { input: 'past_key_values.0.key', output: 'present.0.key', type: 'float32', heads: 2, headDim: 32 },
        {
          input: 'past_key_values.0.value',
          output: 'present.0.value',
          type: 'float32',
          heads: 2,
          headDim: 32,
        },
      ],
      lengths: 'mask',
      picksPositions: false,
      wantsPositions: false,
      wantsLogitCount: false,
      logitsType: 'float32',
    })
  })

  it('takes them from the config where the graph names them', () => {
    const past = ['batch', 'heads', 'past', 'size']
    const sizes = (config: Record<string, unknown>) => {
      const [first] = readGraphLayout(graph({ past }), config).past
      return [first?.heads, first?.headDim]
    }
    expect(
      sizes({ num_key_value_heads: 8, head_dim: 64, num_attention_heads: 16, hidden_size: 512 }),
    ).toEqual([8, 64])
    expect(sizes({ num_attention_heads: 16, hidden_size: 512 })).toEqual([16, 32])
    expect(sizes({ n_head: 4, n_embd: 64 })).toEqual([4, 16])
    expect(sizes({ text_config: { num_key_value_heads: 1, head_dim: 256 } })).toEqual([1, 256])
    const missing = (name: string) =>
      expect.objectContaining({
        code: 'models.unsupported',
        facts: { reason: expect.stringContaining(name) as string },
      }) as Error
    expect(() => sizes({})).toThrow(missing('num_key_value_heads'))
    expect(() => sizes({ num_key_value_heads: 2 })).toThrow(missing('head_dim'))
    expect(() => sizes({ num_attention_heads: 3, hidden_size: 64 })).toThrow(missing('head_dim'))
  })

  it('takes them from what comes out, where only what goes in has names for them', () => {
    const { inputMetadata, outputMetadata } = graph({ past: ['batch', 'heads', 'past', 'size'] })
    const present = { isTensor: true, type: 'float32', shape: ['batch', 2, 'total', 32] }
    const named = outputMetadata.map((value) => (value.name === 'logits' ? value : { ...value, ...present }))
    const session = { inputMetadata, outputMetadata: named as unknown as typeof outputMetadata }
    const config = { num_attention_heads: 4, hidden_size: 64 }
    expect(readGraphLayout(session, config).past[0]).toMatchObject({ heads: 2, headDim: 32 })
  })

  it('sees half precision, positions and how many logits are wanted', () => {
    const inputs = [tensor('position_ids', 'int64', []), tensor('num_logits_to_keep', 'int64', [])]
    expect(readGraphLayout(graph({ inputs, type: 'float16' }), {})).toMatchObject({
      past: [{ type: 'float16' }, {}],
      wantsPositions: true,
      wantsLogitCount: true,
      logitsType: 'float16',
    })
  })

  it.each([
    ['no int64 input input_ids', graph({ drop: ['input_ids'] })],
    ['no output logits', graph({ drop: ['logits'] })],
    ['no output present.0.value', graph({ drop: ['present.0.value'] })],
    ['no KV cache', graph({ drop: ['past_key_values.0.key', 'past_key_values.0.value'] })],
    ['unknown input pixel_values', graph({ inputs: [tensor('pixel_values', 'float32', [])] })],
    ['past_key_values.0.key is no float', graph({ type: 'int8' })],
    [
      'the size of its KV cache is unknown, and config.json says no good num_key_value_heads',
      graph({ past: ['batch', 0, 'past', 32] }),
    ],
  ])('says why it refuses: %s', (reason, metadata) => {
    expect(() => readGraphLayout(metadata, {})).toThrow(
      expect.objectContaining({ code: 'models.unsupported', facts: { reason } }),
    )
  })
})
