import { InfernetError } from '../../errors/infernet-error.ts'
import type { OrtTensor } from '../ort-runtime.ts'
import { halfToFloat } from '../score/half.ts'

/** Which rows of a tensor [batch, positions, vocabulary], read as [batch x positions, vocabulary]. */
export interface RowRange {
  readonly from: number
  readonly count: number
}

/**
 * Rows of logits, each one float for each token of the vocabulary.
 *
 * On wasm a row is a view of what ORT handed over, which nobody writes to again. On the GPU only the wanted rows are
 * copied out, because all positions of a segment are 78 MB at a large vocabulary. Some exports pad the vocabulary to a
 * round number; the padding is no token and left out.
 *
 * @throws InfernetError `engine.bad-logits` when the shape is not what the model promised
 */
export async function readLogitRows(
  logits: OrtTensor,
  { from, count }: RowRange,
  vocabSize: number,
  device: GPUDevice | undefined,
): Promise<Float32Array[]> {
  const [batch = 0, positions = 0, width = 0] = logits.dims
  if (logits.dims.length !== 3 || width < vocabSize || from < 0 || from + count > batch * positions)
    throw new InfernetError('engine.bad-logits', { shape: logits.dims.join('x') })
  const rowAt = (data: Float32Array, i: number): Float32Array =>
    data.subarray(i * width, i * width + vocabSize)
  const rows = Array.from({ length: count }, (_, i) => i)
  if (logits.location === 'gpu-buffer' && device) {
    const data = await readWords(device, logits, from * width, count * width)
    return rows.map((i) => rowAt(data, i))
  }
  const { data } = logits
  if (data instanceof Float32Array) return rows.map((i) => rowAt(data, from + i))
  return rows.map((i) => widenHalves(data, (from + i) * width, vocabSize))
}

/** Copies words `start` to `start + count` off the GPU; halves are widened. */
async function readWords(
  device: GPUDevice,
  tensor: OrtTensor,
  start: number,
  count: number,
): Promise<Float32Array> {
  const isHalf = tensor.type === 'float16'
  const wordBytes = isHalf ? Uint16Array.BYTES_PER_ELEMENT : Float32Array.BYTES_PER_ELEMENT
  // Copies begin and end at multiples of four bytes.
  const first = Math.floor((start * wordBytes) / 4) * 4
  const size = Math.ceil(((start + count) * wordBytes) / 4) * 4 - first
  const staging = device.createBuffer({ size, usage: GPU_MAP_READ | GPU_COPY_DST })
  try {
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(tensor.gpuBuffer, first, staging, 0, size)
    // ORT has submitted its own work on this queue before run() returned, and a queue keeps its order.
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPU_MODE_READ)
    const bytes = staging.getMappedRange().slice(start * wordBytes - first)
    return isHalf ? widenHalves(new Uint16Array(bytes), 0, count) : new Float32Array(bytes, 0, count)
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
