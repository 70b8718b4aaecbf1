import { expect, it } from 'vitest'
import { roughNeeds } from '#shared/engine/fit.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { fitsDevice, type GpuInspection } from './inspect-gpu.ts'

const GB = 2 ** 30
const gpu = (change: Partial<GpuInspection>): GpuInspection => ({
  label: 'x',
  software: false,
  largestBufferBytes: 2 * GB,
  halfPrecision: true,
  subgroups: false,
  info: undefined,
  problem: undefined,
  ...change,
})
const needs = (bytes: number) => roughNeeds({ bytes, memoryBytes: bytes * 1.2, dtype: 'q4f16' })

it('fits by the GPU’s largest buffer and its half precision, or by what the processor holds', () => {
  expect(fitsDevice(gpu({}), needs(3.5 * GB))).toBe(true)
  expect(fitsDevice(gpu({ largestBufferBytes: GB }), needs(3.5 * GB))).toBe(false)
  expect(fitsDevice(gpu({ halfPrecision: false }), needs(3.5 * GB))).toBe(false)
  expect(fitsDevice(gpu({ problem: new InfernetError('engine.no-webgpu') }), needs(3.5 * GB))).toBe(false)
  expect(fitsDevice(gpu({ problem: new InfernetError('engine.no-webgpu') }), needs(2 * GB))).toBe(true)
})
