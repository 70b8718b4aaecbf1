import { holdings, probeWorkers } from '../../engine/page/probe-workers.ts'
import { createOurSide } from './ours.ts'
import { createPeerSide } from './peer.ts'
import type { Memory, Side } from './side.ts'

declare global {
  interface Window {
    /** What the bench drives. It exists in this page alone. */
    engineBench: {
      readonly ours: Side
      readonly peer: Side
      readonly memory: () => Promise<Memory>
    }
  }
  interface Performance {
    /** Chromium's, for isolated pages. */
    measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>
  }
}

probeWorkers()
window.engineBench = { ours: createOurSide(), peer: createPeerSide(), memory }

async function memory(): Promise<Memory> {
  const { bytes } = await performance.measureUserAgentSpecificMemory()
  const held = await holdings()
  return { ...held, jsBytes: bytes - held.wasmBytes }
}
