import { recordCommands, type RecordedCommands } from './recorded-commands.ts'

/** A step of one width, ready to be run. */
export interface StepRun {
  /** Writes the inputs of the step that is wanted. */
  write(): void
  /** Writes inputs that give other logits, at the same places of the cache. */
  writeOther(): void
  /** One `session.run`. */
  run(graphId: string): Promise<void>
  /** The logits of row 0. */
  read(): Promise<Float32Array>
}

/**
 * The captured graphs of one cache, one for each width of a step.
 *
 * ORT replays a captured graph in 20 submits after it has registered, made and bound a tensor for each part of the
 * cache: 5 to 8 ms for 135M parameters, where the commands themselves take 1. So its replay is written down once, and
 * from then on replayed as one pass. Whether that gives what ORT gives is tested on the spot, and if not, ORT replays.
 */
export interface CapturedSteps {
  /** The recorded commands for a width, if there are any. */
  commands(width: number): RecordedCommands | undefined
  /** Runs a step in the best way there is; the first of a width captures it, which takes five runs. */
  run(width: number, step: StepRun): Promise<void>
  /** Forgets all graphs, because the buffers that they were captured on are gone. */
  forget(): void
}

const WITHOUT_CAPTURE = '-1'

export function createCapturedSteps(device: GPUDevice, captures: boolean): CapturedSteps {
  const graphs = new Map<number, { readonly id: string; readonly commands: RecordedCommands | undefined }>()
  // Never used twice: ORT's JavaScript has no way to release a captured graph before the session.
  let nextId = 1
  let works = captures

  async function capture(width: number, step: StepRun): Promise<void> {
    const id = String(nextId++)
    step.write()
    try {
      // ORT runs a new graph once plainly, captures it and replays it. Everything is written twice to the same places.
      await step.run(id)
    } catch {
      works = false
      step.write()
      return step.run(WITHOUT_CAPTURE)
    }
    step.writeOther()
    const commands = await recordCommands(device, () => step.run(id))
    step.write()
    await step.run(id)
    const same = commands !== undefined && (await givesTheSame(device, commands, step))
    graphs.set(width, { id, commands: same ? commands : undefined })
  }

  return {
    commands: (width) => graphs.get(width)?.commands,
    async run(width, step) {
      const graph = graphs.get(width)
      if (works && !graph) return capture(width, step)
      step.write()
      if (graph?.commands) submitCommands(device, graph.commands)
      else await step.run(works && graph ? graph.id : WITHOUT_CAPTURE)
    },
    forget: () => graphs.clear(),
  }
}

export function submitCommands(device: GPUDevice, commands: RecordedCommands): void {
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  commands.replay(pass)
  pass.end()
  device.queue.submit([encoder.finish()])
}

/** Compares with what ORT's own replay has just left. */
async function givesTheSame(device: GPUDevice, commands: RecordedCommands, step: StepRun): Promise<boolean> {
  const expected = await step.read()
  step.writeOther()
  submitCommands(device, commands)
  const other = await step.read()
  step.write()
  submitCommands(device, commands)
  const got = await step.read()
  return isClose(got, expected) && !isClose(other, expected)
}

/** Kernels that add up in any order may differ in the last bits from run to run. */
const TOLERANCE = 1e-3

function isClose(a: Float32Array, b: Float32Array): boolean {
  const scale = b.reduce((max, value) => (value > -Infinity ? Math.max(max, Math.abs(value)) : max), 0)
  return (
    a.length === b.length &&
    a.every((value, i) => value === b[i] || Math.abs(value - (b[i] ?? NaN)) <= TOLERANCE * scale)
  )
}
