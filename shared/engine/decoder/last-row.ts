import { InfernetError } from '../../errors/infernet-error.ts'
import type { OrtTensor } from '../ort-runtime.ts'

/**
 * The logits of the last position, of a tensor [1, positions, vocabulary].
 *
 * A graph that gives all positions makes 78 MB of logits for 128 positions of a large vocabulary. On the GPU only the
 * last row is copied out; on wasm they are in memory already and the row is a view, so the caller must be done with it
 * before the tensor is disposed or take a copy (this function does).
 *
 * @throws InfernetError `engine.bad-logits` when the shape is not what the model promised
 */
export async function readLastRow(
  logits: OrtTensor,
  vocabSize: number,
  device: GPUDevice | undefined,
): Promise<Float32Array> {
  const [, positions = 0, width = 0] = logits.dims
  if (logits.dims.length !== 3 || width < vocabSize || positions < 1)
    throw new InfernetError('engine.bad-logits', { shape: logits.dims.join('x') })
  // Some exports pad the vocabulary to a round number; the padding is no token.
  const start = (positions - 1) * width
  if (logits.location === 'gpu-buffer' && device) return readFloats(device, logits, start, vocabSize)
  const data = logits.data
  if (data instanceof Float32Array) return data.slice(start, start + vocabSize)
  return widenHalves(data, start, vocabSize)
}

async function readFloats(
  device: GPUDevice,
  tensor: OrtTensor,
  start: number,
  count: number,
): Promise<Float32Array> {
  const size = count * Float32Array.BYTES_PER_ELEMENT
  const staging = device.createBuffer({ size, usage: GPU_MAP_READ | GPU_COPY_DST })
  try {
    const encoder = device.createCommandEncoder()
    const source = tensor.gpuBuffer
    encoder.copyBufferToBuffer(source, start * Float32Array.BYTES_PER_ELEMENT, staging, 0, size)
    // ORT has submitted its own work on this queue before run() returned, and a queue keeps its order.
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPU_MODE_READ)
    return new Float32Array(staging.getMappedRange().slice(0))
  } finally {
    staging.destroy()
  }
}

// The numbers of the WebGPU specification: `GPUBufferUsage` and `GPUMapMode` are globals that Node does not have.
const GPU_MAP_READ = 0x0001
const GPU_COPY_DST = 0x0008
const GPU_MODE_READ = 0x0001

/** Half-precision logits: ORT hands them over as Float16Array where there is one, as raw 16-bit words elsewhere. */
function widenHalves(data: unknown, start: number, count: number): Float32Array {
  if (data instanceof Uint16Array) {
    const row = new Float32Array(count)
    for (let i = 0; i < count; i++) row[i] = halfToFloat(data[start + i] ?? 0)
    return row
  }
  if (isNumberArray(data)) return Float32Array.from(data.slice(start, start + count))
  throw new InfernetError('engine.bad-logits', { type: typeof data })
}

function isNumberArray(data: unknown): data is Float64Array {
  return ArrayBuffer.isView(data) && 'slice' in data && !(data instanceof BigInt64Array)
}

/** IEEE 754 binary16 to a number. */
export function halfToFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  const sign = half & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
