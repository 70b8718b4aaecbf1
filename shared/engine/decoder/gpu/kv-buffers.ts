import { InfernetError } from '../../../errors/infernet-error.ts'
import type { OrtRuntime, OrtTensor } from '../../ort-runtime.ts'
import type { PastTensor } from '../graph-layout.ts'
import { TENSOR_USAGE } from './gpu-constants.ts'

/** Feeds and fetches of one run: the graph reads and writes the same buffers. */
export interface KvTensors {
  readonly past: Readonly<Record<string, OrtTensor>>
  readonly present: Readonly<Record<string, OrtTensor>>
}

/**
 * The KV cache of `rows` sequences of up to `capacity` tokens: one buffer [rows, heads, capacity, headDim] for each
 * cache tensor of the graph. It never leaves the GPU.
 */
export interface KvBuffers {
  readonly rows: number
  /** In tokens. */
  readonly capacity: number
  /** Of the first `width` rows. */
  tensors(width: number): KvTensors
  /** Copies tokens [from, to) of a row into the same places of a row of `target`, which may be another cache. */
  copyRow(
    encoder: GPUCommandEncoder,
    row: number,
    target: KvBuffers,
    targetRow: number,
    from: number,
    to: number,
  ): void
  /** Exchanges two rows: the first `aLength` tokens of row `a` and the first `bLength` of row `b`. */
  exchangeRows(encoder: GPUCommandEncoder, a: number, aLength: number, b: number, bLength: number): void
  destroy(): void
  /** @internal One for each cache tensor. */
  readonly buffers: readonly GPUBuffer[]
}

/** What one token of one sequence takes, in bytes. */
export function cacheBytesPerToken(past: readonly PastTensor[]): number {
  return past.reduce((sum, tensor) => sum + tensor.heads * tokenBytes(tensor), 0)
}

function tokenBytes({ headDim, type }: PastTensor): number {
  return headDim * (type === 'float16' ? 2 : 4)
}

/** @throws InfernetError `engine.out-of-memory` when the device does not give the buffers */
export async function createKvBuffers(
  { ort, device }: { readonly ort: OrtRuntime; readonly device: GPUDevice },
  past: readonly PastTensor[],
  rows: number,
  capacity: number,
): Promise<KvBuffers> {
  device.pushErrorScope('validation')
  device.pushErrorScope('out-of-memory')
  const buffers = past.map((tensor) =>
    device.createBuffer({ size: rows * tensor.heads * capacity * tokenBytes(tensor), usage: TENSOR_USAGE }),
  )
  const failures = await Promise.all([device.popErrorScope(), device.popErrorScope()])
  const failure = failures.find((error) => error !== null)
  if (failure) {
    for (const buffer of buffers) buffer.destroy()
    throw new InfernetError('engine.out-of-memory', {}, { cause: failure })
  }
  // A copy may not go from a buffer to itself, so rows that change places pass through these.
  let spare: readonly [GPUBuffer, GPUBuffer] | undefined
  const spareBuffers = (): readonly [GPUBuffer, GPUBuffer] => {
    const size = Math.max(...buffers.map((buffer) => buffer.size)) / rows
    return (spare ??= [
      device.createBuffer({ size, usage: TENSOR_USAGE }),
      device.createBuffer({ size, usage: TENSOR_USAGE }),
    ])
  }
  return {
    rows,
    capacity,
    buffers,
    tensors: (width) => kvTensors(ort, past, buffers, width, capacity),
    copyRow(encoder, row, target, targetRow, from, to) {
      past.forEach((tensor, i) => {
        const source = { buffer: buffers[i] as GPUBuffer, row, capacity }
        const place = { buffer: target.buffers[i] as GPUBuffer, row: targetRow, capacity: target.capacity }
        copyHeads(encoder, tensor, source, place, from, to)
      })
    },
    exchangeRows(encoder, a, aLength, b, bLength) {
      const [first, second] = spareBuffers()
      past.forEach((tensor, i) => {
        const at = (row: number) => ({ buffer: buffers[i] as GPUBuffer, row, capacity })
        const spareRow = (buffer: GPUBuffer) => ({ buffer, row: 0, capacity })
        copyHeads(encoder, tensor, at(a), spareRow(first), 0, aLength)
        copyHeads(encoder, tensor, at(b), spareRow(second), 0, bLength)
        copyHeads(encoder, tensor, spareRow(first), at(b), 0, aLength)
        copyHeads(encoder, tensor, spareRow(second), at(a), 0, bLength)
      })
    },
    destroy() {
      for (const buffer of [...buffers, ...(spare ?? [])]) buffer.destroy()
    },
  }
}

function kvTensors(
  ort: OrtRuntime,
  past: readonly PastTensor[],
  buffers: readonly GPUBuffer[],
  width: number,
  capacity: number,
): KvTensors {
  const tensors = past.map(({ type, heads, headDim }, i) =>
    ort.Tensor.fromGpuBuffer(buffers[i] as GPUBuffer, {
      dataType: type,
      dims: [width, heads, capacity, headDim],
    }),
  )
  const named = (side: 'input' | 'output'): Record<string, OrtTensor> =>
    Object.fromEntries(past.map((names, i) => [names[side], tensors[i] as OrtTensor]))
  return { past: named('input'), present: named('output') }
}

interface Place {
  readonly buffer: GPUBuffer
  readonly row: number
  readonly capacity: number
}

/** Tokens [from, to) of one row of one tensor: a stretch for each head. */
function copyHeads(
  encoder: GPUCommandEncoder,
  tensor: PastTensor,
  source: Place,
  target: Place,
  from: number,
  to: number,
): void {
  if (to <= from) return
  const bytes = tokenBytes(tensor)
  const offset = ({ row, capacity }: Place, head: number): number =>
    ((row * tensor.heads + head) * capacity + from) * bytes
  for (let head = 0; head < tensor.heads; head++)
    encoder.copyBufferToBuffer(
      source.buffer,
      offset(source, head),
      target.buffer,
      offset(target, head),
      (to - from) * bytes,
    )
}
