/** `GPUBufferUsage` of the WebGPU specification: a global that Node does not have. */
export const BUFFER_USAGE = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  storage: 0x0080,
} as const

/** `GPUMapMode.READ`. */
export const MAP_READ = 0x0001

/** What ORT's kernels read and write, and what may be copied both ways. */
export const TENSOR_USAGE = BUFFER_USAGE.storage | BUFFER_USAGE.copySource | BUFFER_USAGE.copyTarget
