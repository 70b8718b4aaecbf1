import { memory, type Memory } from '../../engine/page/memory.ts'
import { probeWorkers } from '../../engine/page/probe-workers.ts'
import { createOurSide } from './ours.ts'
import { createPeerSide } from './peer.ts'
import type { Side } from './side.ts'

declare global {
  interface Window {
    /** What the bench drives. It exists in this page alone. */
    engineBench: {
      readonly ours: Side
      readonly peer: Side
      readonly memory: () => Promise<Memory>
    }
  }
}

probeWorkers()
window.engineBench = { ours: createOurSide(), peer: createPeerSide(), memory }
