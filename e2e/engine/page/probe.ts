/**
 * Stands before the code of a worker: counts what it allocates, and can take its GPU away. A module of its own that is
 * evaluated before everything else of the worker, see `probe-workers.ts`.
 */

/** What a worker holds at this moment, in bytes. */
export interface Holdings {
  /** GPU buffers created less those destroyed. A buffer that is merely forgotten counts: nobody frees it soon. */
  readonly gpuBytes: number
  readonly gpuBuffers: number
  /** Of all linear memories; they only grow. */
  readonly wasmBytes: number
  /**
   * Milliseconds, since the last question, from a result of the GPU being back to the next one being asked for: what
   * the processor takes to put a step into the GPU's queue, the choice of its token included.
   */
  readonly submitMs: number
}

export type ProbeOrder = 'holdings' | 'lose-device'
export interface ProbeQuestion {
  readonly probe: ProbeOrder
  readonly answerTo: MessagePort
}

/** `self` of a dedicated worker, whose types cannot be loaded beside those of a page. */
const scope = globalThis as unknown as {
  addEventListener(type: 'message', listener: (event: MessageEvent<Partial<ProbeQuestion>>) => void): void
}

const memories: WebAssembly.Memory[] = []
const devices: GPUDevice[] = []
/** Sizes of the live buffers of each device; weak, so that the probe keeps nothing alive that is forgotten. */
const sizes = new WeakMap<GPUBuffer, { readonly device: GPUDevice; readonly bytes: number }>()
const live = new Map<GPUDevice, { bytes: number; buffers: number }>()
let submitMs = 0
/** When the last result came, if none has been asked for since. */
let resultAt: number | undefined

countMemories()
if (typeof GPUDevice !== 'undefined') {
  countBuffers()
  timeSubmits()
}

// The worker's own table ignores what is not one of its messages.
scope.addEventListener('message', ({ data }) => {
  if (!data?.probe || !data.answerTo) return
  if (data.probe === 'lose-device') for (const device of devices.splice(0)) device.destroy()
  data.answerTo.postMessage(holdings())
})

function holdings(): Holdings {
  const counts = [...live.values()]
  return {
    gpuBytes: counts.reduce((sum, { bytes }) => sum + bytes, 0),
    gpuBuffers: counts.reduce((sum, { buffers }) => sum + buffers, 0),
    wasmBytes: memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
    submitMs: takeSubmitMs(),
  }
}

/** The time until the next request is the asker's, not the processor's. */
function takeSubmitMs(): number {
  const taken = submitMs
  submitMs = 0
  resultAt = undefined
  return taken
}

function countMemories(): void {
  WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor)
      memories.push(this)
    }
  }
}

function countBuffers(): void {
  patch(
    GPUAdapter.prototype,
    'requestDevice',
    (original) =>
      async function (this: GPUAdapter, descriptor) {
        const device = await original.call(this, descriptor)
        devices.push(device)
        live.set(device, { bytes: 0, buffers: 0 })
        return device
      },
  )
  patch(
    GPUDevice.prototype,
    'createBuffer',
    (original) =>
      function (this: GPUDevice, descriptor) {
        const buffer = original.call(this, descriptor)
        const counts = live.get(this)
        if (counts) {
          sizes.set(buffer, { device: this, bytes: descriptor.size })
          counts.bytes += descriptor.size
          counts.buffers++
        }
        return buffer
      },
  )
  patch(
    GPUBuffer.prototype,
    'destroy',
    (original) =>
      function (this: GPUBuffer) {
        const size = sizes.get(this)
        const counts = size && live.get(size.device)
        if (size && counts) {
          sizes.delete(this)
          counts.bytes -= size.bytes
          counts.buffers--
        }
        return original.call(this)
      },
  )
  // A destroyed device has destroyed its buffers.
  patch(
    GPUDevice.prototype,
    'destroy',
    (original) =>
      function (this: GPUDevice) {
        live.delete(this)
        return original.call(this)
      },
  )
}

function timeSubmits(): void {
  patch(
    GPUBuffer.prototype,
    'mapAsync',
    (original) =>
      async function (this: GPUBuffer, mode, ...range) {
        if (mode !== GPUMapMode.READ) return original.call(this, mode, ...range)
        if (resultAt !== undefined) submitMs += performance.now() - resultAt
        resultAt = undefined
        await original.call(this, mode, ...range)
        resultAt = performance.now()
      },
  )
}

function patch<Target extends object, Name extends keyof Target>(
  target: Target,
  name: Name,
  wrap: (original: Target[Name]) => Target[Name],
): void {
  target[name] = wrap(target[name])
}
