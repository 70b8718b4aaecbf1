import { jobId } from '../base/ids.ts'
import { baseUnits, epochMillis } from '../base/units.ts'
import type { Verdict } from '../verify/verdict.ts'
import { someModel, type TestPeer } from './peers.ts'

/** A verdict that agrees, changed at will. */
export function someVerdict(provider: Pick<TestPeer, 'name'>, changes: Partial<Verdict> = {}): Verdict {
  return {
    jobId: jobId('1'.repeat(32)),
    provider: provider.name,
    model: someModel(),
    head: new Uint8Array(32),
    outcome: 'agrees',
    reason: undefined,
    difference: undefined,
    findings: {
      tokens: 64,
      margins: [64, 0, 0, 0],
      largestMargin: 0,
      meanMargin: 0,
      opened: 64,
      sketchDistance: 0.001,
      largestSketchDistance: 0.004,
    },
    class: { backend: 'wasm', adapter: 'wasm simd', build: 'onnxruntime-web 1' },
    envelope: new Uint8Array(32),
    commitment: new Uint8Array(32),
    cost: baseUnits(0n),
    at: epochMillis(1_800_000_000_000),
    ...changes,
  }
}
