import { describe, expect, it } from 'vitest'
import { loadDawn } from '../testing/dawn.ts'
import { compileWithExplicitZeros, withExplicitZeros } from './explicit-zeros.ts'
import { requestGpu } from './request-gpu.ts'
import { checkOperators, wrongOperators } from './self-test/check-operators.ts'

const dawn = await loadDawn()
if (typeof dawn === 'string') process.stdout.write(`no shader compiled: ${dawn}\n`)

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

  it.skipIf(typeof dawn === 'string')(
    'makes a variable of a loop begin anew, which it does not everywhere by itself',
    { timeout: 60_000 },
    async () => {
      if (typeof dawn === 'string') return
      const code = `@group(0) @binding(0) var<storage, read_write> sums : array<f32>;
        @compute @workgroup_size(1) fn main() {
          for (var i = 0u; i < 4u; i++) { var x : vec4<f32>; for (var j = 0u; j < 3u; j++) { x[0] += 1; } sums[i] = x[0]; }
        }`
      expect(await run(dawn.gpu.device, code, 4)).toEqual([3, 3, 3, 3])
    },
  )

  it.skipIf(typeof dawn === 'string')(
    'makes every operator right with subgroups of 8 lanes and more',
    { timeout: 300_000 },
    async () => {
      if (typeof dawn === 'string') return
      const adapter = await navigator.gpu.requestAdapter()
      if (!adapter?.features.has('subgroups') || (adapter.info.subgroupMinSize ?? 0) < 8) return
      // ORT keeps the first device of a realm: so this file's own is never given to it.
      const gpu = await requestGpu(navigator.gpu, { subgroups: true })
      const reports = await checkOperators({ ort: dawn.ort, gpu, now: () => performance.now() })
      expect(wrongOperators(reports)).toEqual([])
    },
  )
})

async function run(device: GPUDevice, code: string, count: number): Promise<readonly number[]> {
  const module = device.createShaderModule({ code })
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const size = 4 * count
  const sums = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC })
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  const entries = [{ binding: 0, resource: { buffer: sums } }]
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(sums, 0, staging, 0, size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  return [...new Float32Array(staging.getMappedRange())]
}
