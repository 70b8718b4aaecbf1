/** The dispatches of one captured graph: what takes ORT 100 tensors and 20 submits a step takes one pass. */
export interface RecordedCommands {
  replay(pass: GPUComputePassEncoder): void
}

type Command = (pass: GPUComputePassEncoder) => void

/**
 * Runs `run` and writes down which dispatches it encodes on `device`; undefined when it does anything else, such as a
 * copy. The bind groups and pipelines stay alive as long as who made them does: ORT keeps those of a captured graph
 * until its session is released.
 *
 * The device's `createCommandEncoder` is covered by a property of the object while this runs, which is how ORT's glue
 * code calls it. The prototypes are left alone.
 */
export async function recordCommands(
  device: GPUDevice,
  run: () => Promise<unknown>,
): Promise<RecordedCommands | undefined> {
  const commands: Command[] = []
  let pure = true
  const createEncoder = device.createCommandEncoder.bind(device)
  cover(device, 'createCommandEncoder', (...args: Parameters<typeof createEncoder>) => {
    const encoder = createEncoder(...args)
    for (const name of OTHER_COMMANDS) {
      const original = encoder[name].bind(encoder) as (...values: unknown[]) => unknown
      cover(encoder, name, (...values: unknown[]) => {
        pure = false
        return original(...values)
      })
    }
    const begin = encoder.beginComputePass.bind(encoder)
    cover(encoder, 'beginComputePass', (...values: Parameters<typeof begin>) => {
      const pass = begin(...values)
      for (const name of DISPATCH_COMMANDS) {
        const original = pass[name].bind(pass) as (...args: unknown[]) => void
        cover(pass, name, (...args: unknown[]) => {
          // Dynamic offsets would come as a view of ORT's heap, which is another one by the time of the replay.
          if (name === 'setBindGroup' && args.length > 2) pure = false
          commands.push((target) => (target[name] as (...again: unknown[]) => void)(...args))
          original(...args)
        })
      }
      return pass
    })
    return encoder
  })
  try {
    await run()
  } finally {
    Reflect.deleteProperty(device, 'createCommandEncoder')
  }
  if (!pure || commands.length === 0) return undefined
  return {
    replay(pass) {
      for (const command of commands) command(pass)
    },
  }
}

/** What an encoder can do beside compute passes and `finish`. */
const OTHER_COMMANDS = [
  'beginRenderPass',
  'clearBuffer',
  'copyBufferToBuffer',
  'copyBufferToTexture',
  'copyTextureToBuffer',
  'copyTextureToTexture',
  'resolveQuerySet',
] as const

const DISPATCH_COMMANDS = [
  'setPipeline',
  'setBindGroup',
  'dispatchWorkgroups',
  'dispatchWorkgroupsIndirect',
] as const

function cover(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}
