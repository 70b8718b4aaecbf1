import { MIB } from '../base/units.ts'
import { InfernetError } from '../errors/infernet-error.ts'
import { largestBuffer, type MemoryNeeds } from './fit.ts'

/** ORT gathers tensors in buffers of about this size as well; one large buffer might find no place where many do. */
const PIECE_BYTES = 256 * MIB

/** GPUBufferUsage by its numbers (WebGPU, 5.1): Node's Dawn and tests have no such global. */
const COPY_DST = 0x0008
const STORAGE = 0x0080

/**
 * Takes as much of the GPU's memory as a model needs, writes to it, and gives it back: what no browser tells is found
 * out before a download. Some drivers promise memory that they do not have, so each piece is cleared by the GPU itself.
 *
 * @throws InfernetError `engine.out-of-memory` with what was wanted and what there was, `engine.device-lost`
 */
export async function probeMemory(device: GPUDevice, needs: MemoryNeeds): Promise<void> {
  const buffers: GPUBuffer[] = []
  let takenBytes = 0
  try {
    const pieces = piecesOf(needs, largestBuffer(device))
    for (const size of pieces) {
      const buffer = await takePiece(device, size)
      if (!buffer) throw outOfMemory(needs, takenBytes)
      buffers.push(buffer)
      takenBytes += size
    }
  } finally {
    for (const buffer of buffers) buffer.destroy()
  }
}

/** The largest tensor in one piece, the rest in pieces of a usual size. */
function piecesOf({ totalBytes, largestBufferBytes }: MemoryNeeds, limit: number): readonly number[] {
  const first = roundUp(Math.min(largestBufferBytes, limit))
  const pieces = [first]
  const usual = Math.min(PIECE_BYTES, limit)
  for (let rest = totalBytes - first; rest > 0; rest -= usual) pieces.push(roundUp(Math.min(rest, usual)))
  return pieces
}

/** A buffer that the GPU has written to; undefined when there is no room. */
async function takePiece(device: GPUDevice, size: number): Promise<GPUBuffer | undefined> {
  device.pushErrorScope('validation')
  device.pushErrorScope('out-of-memory')
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_DST })
  const commands = device.createCommandEncoder()
  commands.clearBuffer(buffer)
  device.queue.submit([commands.finish()])
  const noRoom = device.popErrorScope()
  const invalid = device.popErrorScope()
  const gone = device.lost.then(({ message }) => {
    throw new InfernetError('engine.device-lost', {}, { cause: new Error(message) })
  })
  gone.catch(() => undefined)
  const errors = await Promise.race([
    Promise.all([noRoom, invalid, device.queue.onSubmittedWorkDone()]),
    gone,
  ])
  // Using a buffer that could not be made is invalid as well.
  if (!errors[0] && !errors[1]) return buffer
  buffer.destroy()
  return undefined
}

function outOfMemory({ totalBytes }: MemoryNeeds, takenBytes: number): InfernetError {
  const inMb = (bytes: number): number => Math.round(bytes / MIB)
  return new InfernetError('engine.out-of-memory', { neededMb: inMb(totalBytes), freeMb: inMb(takenBytes) })
}

/** Buffers are cleared in units of four bytes. */
function roundUp(bytes: number): number {
  return Math.max(4, Math.ceil(bytes / 4) * 4)
}
