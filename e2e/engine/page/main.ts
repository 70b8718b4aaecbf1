import type { DecoderRoom } from './decoder-room.ts'
import { createEngineRoom, type EngineRoom } from './engine-room.ts'
import { probeWorkers } from './probe-workers.ts'

declare global {
  interface Window {
    /** What the engine's tests drive. It exists in this page alone. */
    engineRoom: EngineRoom
    /** The decoder without the engine; ORT is loaded into the page itself when it is first called. */
    decoderRoom: () => Promise<DecoderRoom>
  }
}

probeWorkers()
window.engineRoom = createEngineRoom()
let room: Promise<DecoderRoom> | undefined
window.decoderRoom = () => (room ??= import('./decoder-room.ts').then((module) => module.createDecoderRoom()))
