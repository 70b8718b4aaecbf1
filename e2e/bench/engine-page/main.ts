import { memory, type Memory } from '../../engine/page/memory.ts'
import { probeWorkers } from '../../engine/page/probe-workers.ts'
import { handlingMs } from './handling.ts'
import { createOurSide, type OurSide } from './ours.ts'
import { createPeerSide } from './peer.ts'
import { voucherMs } from './vouchers.ts'
import type { Side } from './side.ts'

declare global {
  interface Window {
    /** What the bench drives. It exists in this page alone. */
    engineBench: {
      readonly ours: OurSide
      readonly peer: Side
      readonly memory: () => Promise<Memory>
      readonly handlingMs: typeof handlingMs
      readonly voucherMs: typeof voucherMs
    }
  }
}

probeWorkers()
window.engineBench = { ours: createOurSide(), peer: createPeerSide(), memory, handlingMs, voucherMs }
