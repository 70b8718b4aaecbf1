import { createEngineRoom, type EngineRoom } from './engine-room.ts'
import { probeWorkers } from './probe-workers.ts'

declare global {
  interface Window {
    /** What the engine's tests drive. It exists in this page alone. */
    engineRoom: EngineRoom
  }
}

probeWorkers()
window.engineRoom = createEngineRoom()
