import { describe, expect, it } from 'vitest'
import { WANTED_LIMITS, adapterLabel, requestGpu } from './request-gpu.ts'

const limits = Object.fromEntries(WANTED_LIMITS.map((name, i) => [name, 1000 + i]))
const info = {
  vendor: 'acme',
  architecture: 'rocket',
  device: 'x1',
  description: '',
  isFallbackAdapter: false,
}

function gpuWith(features: readonly string[], requestDevice: (wanted: GPUDeviceDescriptor) => unknown): GPU {
  const adapter = {
    info,
    limits,
    features: new Set(features),
    requestDevice: async (wanted: GPUDeviceDescriptor) => {
      requestDevice(wanted)
      return { createShaderModule: () => 'shader' }
    },
  }
  return { requestAdapter: async () => adapter } as unknown as GPU
}

describe('requestGpu', () => {
  it('asks for all the adapter can do but subgroups, which make prefill silently wrong', async () => {
    let wanted: GPUDeviceDescriptor | undefined
    const gpu = gpuWith(['shader-f16', 'subgroups', 'timestamp-query', 'bgra8unorm-storage'], (asked) => {
      wanted = asked
    })
    const { device, label } = await requestGpu(gpu)
    expect(label).toBe('acme rocket')
    expect(device.createShaderModule({ code: '' })).toBe('shader')
    expect(wanted?.requiredFeatures).toEqual(['shader-f16', 'timestamp-query'])
    expect(wanted?.requiredLimits).toEqual(limits)
  })

  it('takes subgroups when it is told to and the adapter has them', async () => {
    const wanted: unknown[] = []
    for (const features of [['shader-f16', 'subgroups'], []])
      await requestGpu(
        gpuWith(features, ({ requiredFeatures }) => wanted.push(requiredFeatures)),
        { subgroups: true },
      )
    expect(wanted).toEqual([['shader-f16', 'subgroups'], []])
  })

  it('asks for no feature that is not there', async () => {
    let wanted: GPUDeviceDescriptor | undefined
    await requestGpu(gpuWith(['subgroups'], (asked) => (wanted = asked)))
    expect(wanted?.requiredFeatures).toEqual([])
  })

  it('names a missing adapter, and one that gives no device', async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU
    await expect(requestGpu(none)).rejects.toMatchObject({ code: 'engine.no-adapter' })
    const refusing = gpuWith([], () => {
      throw new Error('no more devices')
    })
    await expect(requestGpu(refusing)).rejects.toMatchObject({ code: 'engine.no-adapter' })
  })
})

describe('adapterLabel', () => {
  it('says what there is to say', () => {
    const of = (parts: Partial<typeof info>) => adapterLabel({ ...info, ...parts } as GPUAdapterInfo)
    expect(of({ architecture: '' })).toBe('acme x1')
    expect(of({ vendor: '', architecture: '', device: '' })).toBe('unnamed gpu')
  })
})
