/**
 * Gives each variable of a shader's functions that begins as zero its zero in writing: `var x : T;` becomes
 * `var x : T = T();`, which in WGSL means the same.
 *
 * Dawn leaves out the zero where it writes SPIR-V (seen in Chromium 156 on lavapipe and SwiftShader): such a variable
 * in a loop keeps what the round before it left. The `subgroups` prefill attention of ORT 1.30.0 adds up in one, which
 * is what made it wrong.
 *
 * @internal
 */
export function withExplicitZeros(wgsl: string): string {
  return wgsl.replace(VARIABLE, (whole, head: string, type: string) =>
    HANDLE.test(type) ? whole : `${head}${type} = ${type}();`,
  )
}

/** A variable with an address space, `var<workgroup>`, is not one of a function. */
const VARIABLE = /\b(var\s+\w+\s*:\s*)([^\s;={}][^;={}]*?)\s*;/g
/** Bound from outside and without a zero. */
const HANDLE = /^(texture|sampler)/

/**
 * From here on the shaders of this device are compiled with explicit zeros, ORT's among them: its glue code calls the
 * method of the object, which is covered by a property. The prototype is left alone.
 */
export function compileWithExplicitZeros(device: GPUDevice): void {
  const create = device.createShaderModule.bind(device)
  Object.defineProperty(device, 'createShaderModule', {
    value: (descriptor: GPUShaderModuleDescriptor) =>
      create({ ...descriptor, code: withExplicitZeros(descriptor.code) }),
    configurable: true,
    writable: true,
  })
}
