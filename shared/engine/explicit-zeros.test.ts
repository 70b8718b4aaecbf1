import { describe, expect, it } from 'vitest'
import { compileWithExplicitZeros, withExplicitZeros } from './explicit-zeros.ts'

describe('withExplicitZeros', () => {
  it.each([
    ['var x : f32;', 'var x : f32 = f32();'],
    ['  var qk_1 : vec4<qk_precision>;', '  var qk_1 : vec4<qk_precision> = vec4<qk_precision>();'],
    [
      'var a: array<vec4<f32>, (N / 2u)> ;',
      'var a: array<vec4<f32>, (N / 2u)> = array<vec4<f32>, (N / 2u)>();',
    ],
    ['{var a:i32;var b:i32;}', '{var a:i32 = i32();var b:i32 = i32();}'],
  ])('writes the zero that %s begins with', (before, after) => {
    expect(withExplicitZeros(before)).toBe(after)
  })

  it.each([
    'var x = 1u;',
    'var x : f32 = 2.0;',
    'for (var i : u32 = 0; i < 4u; i++) { a[i] = 0; }',
    'var<workgroup> tile : array<f32, 8>;',
    'var<private> o_tile : vec4<f32>;',
    '@group(0) @binding(0) var<storage, read_write> output : array<f32>;',
    '@group(0) @binding(1) var picture : texture_2d<f32>;',
    '@group(0) @binding(2) var lens : sampler;',
    'let var_x : f32 = y;',
    'variable : f32;',
  ])('leaves %s alone', (code) => {
    expect(withExplicitZeros(code)).toBe(code)
  })
})

describe('compileWithExplicitZeros', () => {
  it('rewrites the code of a shader and nothing else of it', () => {
    const seen: unknown[] = []
    const device = { createShaderModule: (descriptor: unknown) => seen.push(descriptor) }
    compileWithExplicitZeros(device as unknown as GPUDevice)
    device.createShaderModule({ label: 'a', code: 'var x : f32;' })
    expect(seen).toEqual([{ label: 'a', code: 'var x : f32 = f32();' }])
  })
})
