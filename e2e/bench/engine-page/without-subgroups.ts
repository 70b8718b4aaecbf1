/**
 * From here on a device of this worker is made without `subgroups`, as our engine makes its own: with it both software
 * adapters give wrong tokens, and a library that is wrong faster is no peer. Evaluated before the library, which makes
 * its device by itself and takes none from outside.
 */
if (typeof GPUAdapter !== 'undefined') {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the adapter that it is asked of
  const original = GPUAdapter.prototype.requestDevice
  GPUAdapter.prototype.requestDevice = function (descriptor = {}) {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((name) => name !== 'subgroups')
    return original.call(this, { ...descriptor, requiredFeatures })
  }
}
