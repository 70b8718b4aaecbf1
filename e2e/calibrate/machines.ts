import { loadDawnRuntime } from '../../relay/provide/dawn-runtime.ts'
import { createEngine } from '#shared/engine/create-engine.ts'
import type { Engine } from '#shared/engine/engine.ts'
import { ORT_VERSION, type Gpu, type OrtRuntime } from '#shared/engine/ort-runtime.ts'
import { hasCode } from '#shared/errors/infernet-error.ts'
import { readTinyModel, wasmComponents, type TinyModel } from '#shared/testing/tiny-model.ts'
import type { VerifierClass } from '#shared/verify/verdict.ts'

/** An engine here, and what it runs on. */
export interface Machine {
  readonly name: 'wasm' | 'webgpu'
  readonly class: VerifierClass
  readonly engine: Engine
}

/** The processor, and the GPU where Dawn finds one; a software GPU is one as well. */
export async function machinesHere(
  profile: 'fp32' | 'q4',
  say: (line: string) => void,
): Promise<{ readonly model: TinyModel; readonly machines: readonly Machine[] }> {
  const model = await readTinyModel(profile)
  const components = await wasmComponents(model.files)
  const wasm = await createEngine(components, { manifest: model.manifest })
  const machines = [machine('wasm', wasm)]
  const dawn = await dawnHere(say)
  if (dawn) {
    const engine = await createEngine({ ...components, ...dawn }, { manifest: model.manifest })
    machines.push(machine('webgpu', engine))
  }
  return { model, machines }
}

function machine(name: Machine['name'], engine: Engine): Machine {
  const { backend, adapter } = engine.info
  return { name, engine, class: { backend, adapter, build: `onnxruntime-web ${ORT_VERSION}` } }
}

async function dawnHere(
  say: (line: string) => void,
): Promise<{ ort: OrtRuntime; gpu: Gpu | undefined } | undefined> {
  try {
    return await loadDawnRuntime()
  } catch (error) {
    if (!hasCode(error, 'engine.no-webgpu') && !hasCode(error, 'engine.no-adapter')) throw error
    say(`Without WebGPU: ${error.message}`)
    return undefined
  }
}
