import { InfernetError } from '../errors/infernet-error.ts'

/**
 * Calls back when the device is lost, or when a command of it failed: nobody awaits those errors, and what is computed
 * after one is garbage that looks like an answer.
 */
export function watchDevice(device: GPUDevice, die: (error: Error) => void): void {
  void device.lost.then(({ message }) =>
    die(new InfernetError('engine.device-lost', {}, { cause: new Error(message) })),
  )
  device.addEventListener('uncapturederror', ({ error }) => {
    const code =
      error.constructor.name === 'GPUOutOfMemoryError' ? 'engine.out-of-memory' : 'engine.device-lost'
    die(new InfernetError(code, {}, { cause: error }))
  })
}
