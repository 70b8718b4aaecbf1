import { compileWithExplicitZeros } from '#shared/engine/explicit-zeros.ts'

/**
 * From here on a device of this worker computes rightly, as our engine makes its own: shaders get explicit zeros, and
 * software adapters, on which nobody tries subgroups, have none. A library that is wrong faster is no peer.
 *
 * `subgroup-size-control` goes as well: it turns `subgroups` on by itself. Evaluated before the library, which makes its
 * device by itself and takes none from outside.
 */
if (typeof GPUAdapter !== 'undefined') {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the adapter that it is asked of
  const original = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = async function (descriptor = {}) {
    const wanted = [...(descriptor.requiredFeatures ?? [])]
    const requiredFeatures = this.info.isFallbackAdapter
      ? wanted.filter((name) => !name.startsWith('subgroup'))
      : wanted
    const device = await original.call(this, { ...descriptor, requiredFeatures })
    compileWithExplicitZeros(device)
    return device
  }
}
