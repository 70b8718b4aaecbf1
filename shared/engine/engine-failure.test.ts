import { describe, expect, it } from 'vitest'
import { InfernetError } from '../errors/infernet-error.ts'
import { nameFailure, nameOrtFailure } from './engine-failure.ts'

const still = new AbortController().signal

describe('nameOrtFailure', () => {
  // Texts as onnxruntime-web 1.30.0 threw them, on Dawn and on wasm.
  it.each([
    [
      'failed to call OrtRun(). ERROR_CODE: 1, ERROR_MESSAGE: /mnt/_work/1/s/onnxruntime/core/providers/webgpu/buffer_manager.cc:605 void onnxruntime::webgpu::BufferManager::Download(WGPUBuffer, void *, size_t) const [ONNXRuntimeError] : 1 : FAIL : Failed to create a WebGPU compute pipeline: [Invalid ShaderModule "MatMul"] is invalid due to a previous error.\n - While validating compute stage ([Invalid ShaderModule "MatMul"], entryPoint: "main").',
      'engine.shader-failed',
      'The graphics driver could not compile a part of the model (MatMul).',
    ],
    [
      'Failed to create a WebGPU compute pipeline: ',
      'engine.shader-failed',
      'The graphics driver could not compile a part of the model.',
    ],
    [
      'ERROR_MESSAGE: buffer_manager.cc:643 map_async_result.status == wgpu::MapAsyncStatus::Success was false. Failed to download data from buffer. wgpu::MapAsyncStatus value: 4, message: ',
      'engine.device-lost',
      'The GPU was reset or taken away.',
    ],
    ['WebGPU device lost (1): reset', 'engine.device-lost', 'The GPU was reset or taken away.'],
    ['std::bad_alloc', 'engine.out-of-memory', 'The GPU ran out of memory.'],
    ['Aborted(OOM). Build with -sASSERTIONS', 'engine.out-of-memory', 'The GPU ran out of memory.'],
  ])('reads %j', (text, code, message) => {
    const cause = new Error(text)
    expect(nameOrtFailure(cause)).toMatchObject({ code, message, cause })
  })

  it('calls a trap of the wasm code a crash', () => {
    const trap = new WebAssembly.RuntimeError('memory access out of bounds')
    expect(nameOrtFailure(trap)).toMatchObject({ code: 'engine.crashed', facts: { reason: 'wasm trap' } })
  })

  it('has no name for the rest, and leaves names as they are', () => {
    expect(nameOrtFailure(new Error('Invalid argument'))).toBeUndefined()
    expect(nameOrtFailure('text')).toBeUndefined()
    const named = new InfernetError('engine.bad-logits')
    expect(nameOrtFailure(named)).toBe(named)
  })
})

describe('nameFailure', () => {
  it('passes the signal’s own reason, and wraps what has no name', () => {
    const reason = new Error('enough')
    expect(nameFailure(reason, AbortSignal.abort(reason))).toBe(reason)
    expect(nameFailure(new Error('x'), still)).toMatchObject({ code: 'internal' })
  })
})
