import type { Manifest } from '../models/manifest.ts'
import { limitProblem, memoryNeeds } from './fit.ts'
import { probeMemory } from './probe-memory.ts'

/**
 * Whether a model fits, before anything of it is downloaded: by what the device allows, and by taking the memory and
 * giving it back.
 *
 * @param device undefined for wasm
 * @throws InfernetError `engine.limits`, `engine.out-of-memory` or `engine.device-lost`
 */
export async function checkFits(manifest: Manifest, device: GPUDevice | undefined): Promise<void> {
  const needs = memoryNeeds(manifest)
  const problem = limitProblem(needs, device)
  if (problem) throw problem
  if (device) await probeMemory(device, needs)
}
