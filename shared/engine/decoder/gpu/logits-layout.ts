import { InfernetError } from '../../../errors/infernet-error.ts'
import type { OrtSession } from '../../ort-runtime.ts'
import { halfToFloat } from '../../score/half.ts'
import { BUFFER_USAGE, MAP_READ } from './gpu-constants.ts'

/** How logits lie in their buffer: rows of `width` numbers, the first `vocabSize` of which are tokens. */
export interface LogitsLayout {
  readonly type: 'float32' | 'float16'
  /** Some exports pad the vocabulary to a round number. */
  readonly width: number
  readonly vocabSize: number
  readonly rowBytes: number
}

/** @throws InfernetError `models.unsupported` with the reason when the graph does not say it */
export function readLogitsLayout(
  session: Pick<OrtSession, 'outputMetadata'>,
  vocabSize: number,
): LogitsLayout {
  const output = session.outputMetadata.find(({ name }) => name === 'logits')
  if (!output?.isTensor || (output.type !== 'float32' && output.type !== 'float16'))
    throw unsupported('logits are no float')
  const width = output.shape[2]
  if (output.shape.length !== 3 || typeof width !== 'number' || width < vocabSize)
    throw unsupported('size of the logits unknown')
  const rowBytes = width * (output.type === 'float16' ? 2 : 4)
  // Copies on a GPU are in steps of 4 bytes.
  if (rowBytes % 4 !== 0) throw unsupported('odd number of 16-bit logits')
  return { type: output.type, width, vocabSize, rowBytes }
}

/** Reads whole rows of logits, without the padding, as 32-bit floats: one copy and one wait for all of them. */
export async function readLogitRows(
  device: GPUDevice,
  logits: GPUBuffer,
  { type, vocabSize, rowBytes }: LogitsLayout,
  rows: readonly number[],
): Promise<readonly Float32Array[]> {
  if (rows.length === 0) return []
  const size = rows.length * rowBytes
  const staging = device.createBuffer({ size, usage: BUFFER_USAGE.mapRead | BUFFER_USAGE.copyTarget })
  try {
    const encoder = device.createCommandEncoder()
    rows.forEach((row, i) =>
      encoder.copyBufferToBuffer(logits, row * rowBytes, staging, i * rowBytes, rowBytes),
    )
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(MAP_READ)
    const bytes = staging.getMappedRange()
    return rows.map((_, i) =>
      type === 'float32'
        ? new Float32Array(bytes, i * rowBytes, vocabSize).slice()
        : Float32Array.from(new Uint16Array(bytes, i * rowBytes, vocabSize), halfToFloat),
    )
  } finally {
    staging.destroy()
  }
}

function unsupported(reason: string): InfernetError {
  return new InfernetError('models.unsupported', { reason })
}
