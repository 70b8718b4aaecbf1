/** Bytes of the buffers that were created on a device from now on and not destroyed, ORT's among them. */
export function countBytes(device: GPUDevice): () => number {
  let live = 0
  const create = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor)
    const destroy = buffer.destroy.bind(buffer)
    let isDestroyed = false
    live += descriptor.size
    buffer.destroy = () => {
      if (!isDestroyed) live -= descriptor.size
      isDestroyed = true
      destroy()
    }
    return buffer
  }
  return () => live
}
